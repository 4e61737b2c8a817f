"""The types of the SDK's public API, as a subscribing team's own type checker sees them.

Nothing here runs: `make types` checks this file. What must be refused is under an ignore with its
code, and an ignore that nothing needs is an error itself.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import assert_never, assert_type

from dsr_sdk import (
    Absent,
    AccessRequest,
    AlreadyRight,
    Answer,
    Corrected,
    CorrectionRequest,
    DeletionRequest,
    Delivered,
    Erased,
    Exempt,
    Exemption,
    ExportLimits,
    Failed,
    File,
    Heeded,
    Identity,
    Informed,
    InProgress,
    KafkaConnection,
    NotFound,
    ObjectionRequest,
    OptOutRequest,
    OutcomeStore,
    PartiallyExempt,
    PortabilityRequest,
    Present,
    Refused,
    Restricted,
    RestrictionRequest,
    Right,
    Row,
    Scope,
    SqliteOutcomeStore,
    Subscriber,
    SystemKeyPair,
    SystemRequest,
    Unresolvable,
)
from dsr_sdk.testing import Acknowledgement, MemoryOutcomeStore, SubscriberHarness


def subscribers(keys: SystemKeyPair, kafka: KafkaConnection, at: Path) -> None:
    named_first = Subscriber("billing", organisation_id="acme", keys=keys)
    assert_type(named_first, Subscriber)
    Subscriber(
        system_id="billing",
        organisation_id="acme",
        keys=keys,
        kafka=kafka,
        outcomes=SqliteOutcomeStore(at),
        concurrency=2,
        batch_size=100,
        drain_timeout=5,
        ready_file=at,
        honours_scope=True,
        honours_since=[Right.ACCESS],
        store="file:///var/lib/dsr/store",
        export_limits=ExportLimits(size=1_000_000),
    )
    assert_type(Subscriber.from_environment(), Subscriber)
    assert_type(Subscriber.from_environment({"DSR_SYSTEM_ID": "billing"}), Subscriber)
    Subscriber("billing", "acme", keys)  # type: ignore[call-arg]  # the rest is named
    Subscriber("billing", organisation_id="acme")  # type: ignore[call-arg]  # nothing is opened without keys


def outcome_stores(at: Path) -> tuple[OutcomeStore, ...]:
    return (SqliteOutcomeStore(at), SqliteOutcomeStore(str(at)), MemoryOutcomeStore())


def requests(deletion: DeletionRequest, access: AccessRequest) -> tuple[SystemRequest, ...]:
    assert_type(deletion.identity, Identity)
    assert_type(deletion.identity.first("email"), str | None)
    assert_type(deletion.identity.values("email"), tuple[str, ...])
    assert_type(deletion.right, Right)
    assert_type(deletion.scope, Scope)
    assert_type(deletion.due_at, datetime)
    assert_type(deletion.may_be_repeat, bool)
    assert_type((deletion.reminder, deletion.attempt), tuple[int, int])
    deletion.may_be_repeat = True  # type: ignore[misc]  # a request is as it was asked
    return (deletion, access)


def answers(at: datetime) -> tuple[Answer, ...]:
    grounds = (Exemption(ground="AO 147", review_at=at),)
    Delivered()  # type: ignore[call-arg]  # a delivery says how much
    Unresolvable()  # type: ignore[call-arg]  # a person must be able to help
    Erased("3")  # type: ignore[arg-type]  # a number
    return (
        *(Erased(), Erased(3), Erased(records=3), Delivered(records=3), NotFound(), Informed()),
        *(Exempt("HGB 257", at), Exempt(exemptions=grounds)),
        *(PartiallyExempt("HGB 257", at, erased=5, kept=2, categories=("user.name",)),),
        *(Heeded(), Heeded(2), Heeded(records=2)),
        *(Restricted(), Restricted(2), Restricted(records=2)),
        *(
            Corrected(),
            Corrected(2),
            AlreadyRight(),
            Refused("GDPR 5(1)(d)"),
            Refused("x", records=1),
        ),
        *(Absent(), Present(), Present(2), Present(records=2)),
        *(Failed(), Failed("locked"), Failed(retry_at=at), Failed("locked", retry_at=at)),
        *(InProgress(), InProgress("searching", expected_at=at), Unresolvable("two persons")),
    )


def every_answer_is_told_apart(answer: Answer) -> str:
    match answer:
        case Erased() | Delivered() | NotFound() | Informed() | Exempt() | PartiallyExempt():
            return "confirms"
        case Corrected() | AlreadyRight() | Refused():
            return "confirms a correction"
        case Heeded() | Restricted():
            return "confirms from now on"
        case Absent():
            return "confirms after a look"
        case Failed() | Unresolvable() | InProgress() | Present():
            return "does not"
        case _:
            assert_never(answer)


def handlers(subscriber: Subscriber) -> None:
    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        await request.in_progress("searching", request.due_at)
        return Erased(1) if request.may_be_repeat else NotFound()

    @subscriber.access
    def show(request: AccessRequest) -> Delivered | NotFound:
        return Delivered(1) if request.identity.identifiers else NotFound()

    @subscriber.correction
    async def correct(request: CorrectionRequest) -> Corrected | Refused:
        return Corrected(1) if request.corrections else Refused(request.statement)

    @subscriber.opt_out
    async def heed(request: OptOutRequest) -> Heeded | NotFound:
        return Heeded(1) if request.identity.identifiers else NotFound()

    @subscriber.restriction
    async def restrict(request: RestrictionRequest) -> Restricted | NotFound:
        return Restricted(1) if request.identity.identifiers else NotFound()

    @subscriber.objection
    async def stop(request: ObjectionRequest) -> Heeded | Refused:
        return Heeded(1) if request.identity.identifiers else Refused("GDPR 21(1)")

    @subscriber.portability
    async def carry(request: PortabilityRequest) -> AsyncIterator[Row]:
        yield Row("profile", {"of": request.identity.first("email")})

    @subscriber.right(Right.OBJECTION)
    async def any_right(request: SystemRequest) -> Answer:
        return Heeded(1) if request.identity.identifiers else NotFound()

    assert_type((correct.__name__, heed.__name__, restrict.__name__), tuple[str, str, str])
    assert_type((stop.__name__, carry.__name__, any_right.__name__), tuple[str, str, str])
    subscriber.deletion(lambda _request: Erased())


def streaming_handlers(one: Subscriber, other: Subscriber, third: Subscriber) -> None:
    @one.access
    async def rows(request: AccessRequest) -> AsyncIterator[Row | File | NotFound]:
        yield Row("orders", {"of": request.identity.first("email")}, ("user.contact",))
        yield File("a.txt", b"a", "text/plain")
        yield File("b.txt", iter([b"b", b"b"]))
        yield NotFound()

    @other.access
    def plain(_request: AccessRequest) -> Iterator[Row]:
        yield Row("orders", {"id": 1})

    @third.access  # type: ignore[type-var]  # rows and files, not what they are made of
    async def neither(_request: AccessRequest) -> AsyncIterator[dict[str, int]]:
        yield {"id": 1}


def refused_handlers(subscriber: Subscriber) -> None:
    @subscriber.deletion  # type: ignore[type-var]  # an answer is not a count
    async def count(_request: DeletionRequest) -> int:
        return 1

    @subscriber.deletion  # type: ignore[type-var]  # the other right's requests
    async def deliver(_request: AccessRequest) -> Answer:
        return Delivered(1)

    @subscriber.deletion_batch  # type: ignore[type-var]  # one answer a request
    async def erase_all(_requests: Sequence[DeletionRequest]) -> Answer:
        return Erased()


def batch_handlers(subscriber: Subscriber) -> None:
    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> list[Erased | NotFound]:
        return [Erased() for _ in requests]

    @subscriber.access_batch
    def show(requests: Sequence[AccessRequest]) -> Mapping[str, Answer]:
        return {request.request_id: Delivered(1) for request in requests}

    @subscriber.correction_batch
    def correct(requests: Sequence[CorrectionRequest]) -> list[Corrected]:
        return [Corrected() for _ in requests]

    @subscriber.opt_out_batch
    def heed(requests: Sequence[OptOutRequest]) -> list[Heeded]:
        return [Heeded() for _ in requests]

    @subscriber.restriction_batch
    def restrict(requests: Sequence[RestrictionRequest]) -> list[Restricted]:
        return [Restricted() for _ in requests]

    @subscriber.objection_batch
    def stop(requests: Sequence[ObjectionRequest]) -> list[Heeded]:
        return [Heeded() for _ in requests]

    @subscriber.right_batch(Right.PORTABILITY)
    def carry(requests: Sequence[SystemRequest]) -> list[NotFound]:
        return [NotFound() for _ in requests]


async def running(subscriber: Subscriber) -> None:
    @subscriber.on_ready
    async def tell() -> None: ...

    subscriber.on_ready(lambda: None)
    await subscriber.answer("a request's id", Right.DELETION, Erased(1))
    assert_type(await subscriber.serve(), None)
    assert_type(await subscriber.stop(), None)


async def testing(subscriber: Subscriber) -> None:
    harness = SubscriberHarness(subscriber)
    found = await harness.deliver(identity={"email": ["a@example.com", "b@example.com"]})
    assert_type(found, tuple[Acknowledgement, ...])
    assert_type(await harness.redeliver(), tuple[Acknowledgement, ...])
    assert_type(await harness.stop("a request's id"), tuple[Acknowledgement, ...])
    assert_type(await harness.suspend("one", "another"), tuple[Acknowledgement, ...])
