"""How most systems answer: erase everything, deliver everything. `newsletter.py` spells it out."""

from collections.abc import AsyncIterator, Sequence

from dsr_examples.stores.schema import Store
from dsr_sdk import (
    AccessRequest,
    Answer,
    DeletionRequest,
    Erased,
    Heeded,
    NotFound,
    OptOutRequest,
    Row,
    Subscriber,
)

__all__ = ["subscribe", "subscribe_access", "subscribe_opt_out"]


def subscribe(subscriber: Subscriber, store: Store) -> None:
    """Register handlers that keep nothing."""

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> Sequence[Answer]:
        erasures = await store.erase(requests)
        return [Erased(records=one.erased) if one else NotFound() for one in erasures]

    subscribe_access(subscriber, store)


def subscribe_access(subscriber: Subscriber, store: Store) -> None:
    """Register the access handler alone, for systems that erase their own way."""

    @subscriber.access
    async def access(request: AccessRequest) -> AsyncIterator[Row]:
        async for table, row in store.rows(request):
            yield Row(table, row)


def subscribe_opt_out(subscriber: Subscriber, store: Store) -> None:
    """Register the handler of systems that advertise, sell or share."""

    @subscriber.opt_out
    async def opt_out(request: OptOutRequest) -> Answer:
        records = await store.opt_out(request)
        return Heeded(records) if records else NotFound()
