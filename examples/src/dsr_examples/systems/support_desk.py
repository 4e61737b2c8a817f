"""Support cases: slow, since attachments lie with a file host. PostgreSQL, by email and phone.

Removing one person's attachments takes `DSR_EXAMPLE_SLOW_SECONDS`. It is done for the people of a
batch at the same time, so that nobody waits for the one before.
"""

import asyncio
import os
from collections.abc import Sequence

from dsr_examples.stores.postgres import PostgresStore
from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe_access
from dsr_sdk import Answer, DeletionRequest, Erased, NotFound, Subscriber

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table(
        "contacts",
        "id integer primary key, email text not null, phone text, name text not null",
    ),
    Table(
        "cases",
        "id integer primary key, contact integer not null references contacts, "
        "subject text not null, opened_at timestamptz not null",
    ),
    Table(
        "messages",
        "id integer primary key, case_id integer not null references cases, text text not null, "
        "at timestamptz not null",
    ),
    Table(
        "attachments",
        "id integer primary key, message integer not null references messages, name text not null",
    ),
    known_by={"email": "email", "phone": "phone"},
)


def subscribe(subscriber: Subscriber, store: PostgresStore) -> None:
    """Register handlers that take their time."""
    seconds = float(os.environ.get("DSR_EXAMPLE_SLOW_SECONDS", "2.0"))

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> Sequence[Answer]:
        counts = await store.count(requests)
        await asyncio.gather(*(_remove_attachments(seconds) for one in counts if one))
        erasures = await store.erase(requests)
        return [Erased(records=one.erased) if one else NotFound() for one in erasures]

    subscribe_access(subscriber, store)


async def _remove_attachments(seconds: float) -> None:
    await asyncio.sleep(seconds)  # stands for the file host
