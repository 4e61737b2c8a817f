"""The newsletter: an SQLite file at the mail delivery provider, which knows people by email.

A system says what it does with each right. Who sends looks into `opt_outs` and `restrictions` first.
"""

from collections.abc import Sequence

from dsr_examples.stores.schema import Schema, Store, Table, opt_outs, restrictions, statements
from dsr_examples.systems import standard
from dsr_sdk import Answer, DeletionRequest, Erased, NotFound, Subscriber, SuppressionKind

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
    restrictions("subscribers"),
    statements("subscribers"),
    known_by={"email": "email"},
    corrects={"user.name": "name"},
)

_DATED = {"deliveries": "sent_at", "openings": "opened_at"}


def subscribe(subscriber: Subscriber, store: Store) -> None:
    """Register the handlers. The first takes many requests at once, and answers in their order."""

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> Sequence[Answer]:
        # Records what it deletes in the same transaction, to answer the same if asked twice.
        erasures = await store.erase(requests)
        return [Erased(records=one.erased) if one else NotFound() for one in erasures]

    standard.subscribe_access(subscriber, store, _DATED)
    standard.subscribe_opt_out(subscriber, store, SuppressionKind.MARKETING)
    standard.subscribe_correction(subscriber, store, SCHEMA)
    standard.subscribe_restriction(subscriber, store)
    standard.subscribe_objection(subscriber, store)
    standard.subscribe_portability(subscriber, store, provided={"subscribers", "openings"})
