"""The newsletter: an SQLite file at the mail delivery provider, which knows people by email.

A system says what it does when asked to erase, and hands over what it has when asked for access. Whoever sends
looks into `opt_outs` first.
"""

from collections.abc import AsyncIterator, Sequence

from dsr_examples.stores.schema import Schema, Store, Table, opt_outs
from dsr_examples.systems.standard import subscribe_correction, subscribe_opt_out
from dsr_sdk import AccessRequest, Answer, DeletionRequest, Erased, NotFound, Row, Subscriber

SCHEMA = Schema(
    Table("subscribers", "id integer primary key, email text not null, name text, language text"),
    Table(
        "deliveries",
        "id integer primary key, subscriber_id integer not null references subscribers, "
        "subject text not null, sent_at text not null",
    ),
    Table(
        "openings",
        "id integer primary key, delivery_id integer not null references deliveries, "
        "opened_at text not null",
    ),
    opt_outs("subscribers"),
    known_by={"email": "email"},
    corrects={"user.name": "name"},
)


def subscribe(subscriber: Subscriber, store: Store) -> None:
    """Register the handlers. The first takes many requests at once, and answers in their order."""

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> Sequence[Answer]:
        # Records what it deletes in the same transaction, to answer the same if asked twice.
        erasures = await store.erase(requests)
        return [Erased(records=one.erased) if one else NotFound() for one in erasures]

    @subscriber.access
    async def access(request: AccessRequest) -> AsyncIterator[Row]:
        # Row by row, so that it does not matter how many there are; nothing yielded is "not found".
        async for table, row in store.rows(request):
            yield Row(table, row)

    subscribe_opt_out(subscriber, store)
    subscribe_correction(subscriber, store, SCHEMA)
