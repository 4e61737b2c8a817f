"""The account directory of the company: PostgreSQL, people known by account and email.

Whoever signed up confirmed the address from within the account, so this system can tell whose account an
address belongs to; others of the group know people by nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING

from dsr_examples.stores.schema import Schema, Table
from dsr_sdk import (
    AccessRequest,
    Answer,
    Confidence,
    DeletionRequest,
    Erased,
    LinkProof,
    NotFound,
    Row,
    Subscriber,
    SystemRequest,
)

if TYPE_CHECKING:
    from dsr_examples.stores.postgres import PostgresStore

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table(
        "accounts",
        "id integer primary key, account_id text not null, email text not null, "
        "username text not null, name text not null, phone text",
    ),
    Table(
        "addresses",
        "id integer primary key, account integer not null references accounts, street text, "
        "city text, country text",
    ),
    Table(
        "credentials",
        "id integer primary key, account integer not null references accounts, "
        "kind text not null, secret_hash text not null",
    ),
    Table(
        "sessions",
        "id integer primary key, account integer not null references accounts, "
        "ip_address text not null, started_at timestamptz not null",
    ),
    known_by={"account_id": "account_id", "email": "email"},
)


def subscribe(subscriber: Subscriber, store: PostgresStore) -> None:
    """Register handlers that erase and deliver everything, and tell of the accounts that they find."""

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> Sequence[Answer]:
        for one in await _tell(store, requests):
            # What was found is durable before it is gone here.
            await one.in_progress("the account is about to be erased")
        erasures = await store.erase(requests)
        return [Erased(records=one.erased) if one else NotFound() for one in erasures]

    @subscriber.access
    async def access(request: AccessRequest) -> AsyncIterator[Row]:
        await _tell(store, [request])
        async for table, row in store.rows(request):
            yield Row(table, row)


async def _tell(store: PostgresStore, requests: Iterable[SystemRequest]) -> list[SystemRequest]:
    """Tell of accounts that the requests do not name; return those that had one."""
    asked: defaultdict[str, list[SystemRequest]] = defaultdict(list)
    for one in requests:
        for email in one.identity.values("email"):
            asked[email].append(one)
    told: dict[str, SystemRequest] = {}
    query = "select email, account_id from accounts where email = any($1::text[]) order by id"
    async with store.transaction() as connection:
        for email, account_id in await connection.fetch(query, list(asked)):
            for one in asked[email]:
                if account_id not in one.identity.values("account_id"):
                    one.also_known(
                        "account_id",
                        account_id,
                        through="email",
                        confidence=Confidence.VERIFIED,
                        proof=LinkProof.VERIFIED_CONTACT,
                    )
                    told[one.request_id] = one
    return list(told.values())
