"""How most systems answer: erase everything, deliver everything. `newsletter.py` spells it out."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from dsr_examples.stores.schema import OPT_OUTS, RESTRICTIONS, Schema, Store
from dsr_sdk import (
    AccessRequest,
    AlreadyRight,
    Answer,
    Corrected,
    CorrectionRequest,
    DeletionRequest,
    Erased,
    Heeded,
    NotFound,
    ObjectionRequest,
    OptOutRequest,
    PortabilityRequest,
    Refused,
    Restricted,
    RestrictionRequest,
    Right,
    Row,
    Subscriber,
    SuppressionKind,
)

__all__ = [
    "subscribe",
    "subscribe_access",
    "subscribe_correction",
    "subscribe_objection",
    "subscribe_opt_out",
    "subscribe_portability",
    "subscribe_restriction",
]


def subscribe(subscriber: Subscriber, store: Store) -> None:
    """Register handlers that keep nothing."""

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> Sequence[Answer]:
        erasures = await store.erase(requests)
        return [Erased(records=one.erased) if one else NotFound() for one in erasures]

    subscribe_access(subscriber, store)


def subscribe_access(
    subscriber: Subscriber, store: Store, dated: Mapping[str, str] | None = None
) -> None:
    """Register the access handler alone, for systems that erase their own way.

    Args:
        subscriber: What has the handlers.
        store: What has the data.
        dated: The column with the date, for each table of rows that have one. With it a request for
            data since a day is heeded; who a person is has no date, and goes with the rest.
    """
    columns = dated or {}
    if columns:
        subscriber.honours_since |= {Right.ACCESS}

    @subscriber.access
    async def access(request: AccessRequest) -> AsyncIterator[Row]:
        since = str(request.scope.since or "")
        async for table, row in store.rows(request):
            if table not in columns or str(row[columns[table]])[: len(since)] >= since:
                yield Row(table, row)


def subscribe_opt_out(subscriber: Subscriber, store: Store, use: SuppressionKind) -> None:
    """Register the handler of systems that advertise, or that sell or share."""

    @subscriber.opt_out
    async def opt_out(request: OptOutRequest) -> Answer:
        if use not in request.uses:
            return Heeded(0)
        records = await store.mark(request, OPT_OUTS)
        return Heeded(records) if records else NotFound()


def subscribe_objection(subscriber: Subscriber, store: Store) -> None:
    """Register the handler of systems that have no ground to go on against somebody's objection."""

    @subscriber.objection
    async def objection(request: ObjectionRequest) -> Answer:
        records = await store.mark(request, OPT_OUTS)
        return Heeded(records) if records else NotFound()


def subscribe_restriction(subscriber: Subscriber, store: Store) -> None:
    """Register the handler of systems that can keep what they do not use."""

    @subscriber.restriction
    async def restriction(request: RestrictionRequest) -> Answer:
        records = await store.mark(request, RESTRICTIONS)
        return Restricted(records) if records else NotFound()


def subscribe_portability(
    subscriber: Subscriber, store: Store, *, provided: Collection[str]
) -> None:
    """Register the handler that hands over the tables that hold what people have provided."""

    @subscriber.portability
    async def portability(request: PortabilityRequest) -> AsyncIterator[Row]:
        async for table, row in store.rows(request):
            if table in provided:
                yield Row(table, row)


def subscribe_correction(subscriber: Subscriber, store: Store, schema: Schema) -> None:
    """Register the handler of systems that people can have corrected, in the columns that say so.

    What a person says stands beside what is not corrected (GDPR article 16, 11 CCR 7023(f)).
    """

    @subscriber.correction
    async def correct(request: CorrectionRequest) -> Answer:
        known = {
            schema.corrects[one.category]: one.new
            for one in request.corrections
            if one.category in schema.corrects
        }
        if len(known) < len(request.corrections):
            if request.statement:
                await store.attach(request, request.statement)
            return Refused("the value follows from what others tell us (GDPR article 5(1)(d))")
        records, wrong = await store.correct(request, known)
        if not records:
            return NotFound()
        return Corrected(wrong) if wrong or request.may_be_repeat else AlreadyRight()
