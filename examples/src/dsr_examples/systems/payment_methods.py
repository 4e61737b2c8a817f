"""Payment methods: a vault that refuses twice before it obeys. PostgreSQL, payers by number.

It shows how to answer that something could not be done, and when to be asked again; and how to look
again after an erasure, since the registry says that this system verifies what it erases. Refusals are
counted in the store, so that a restart does not begin anew. `DSR_EXAMPLE_REFUSALS` and
`DSR_EXAMPLE_RETRY_SECONDS` change how often and how long.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dsr_examples.stores.postgres import PostgresStore
from dsr_examples.stores.schema import Schema, Table
from dsr_examples.systems.standard import subscribe_access
from dsr_sdk import (
    Absent,
    Answer,
    DeletionRequest,
    Erased,
    Failed,
    NotFound,
    Present,
    Subscriber,
)

__all__ = ["SCHEMA", "subscribe"]

SCHEMA = Schema(
    Table("payers", "id integer primary key, customer_number text not null"),
    Table(
        "cards",
        "id integer primary key, payer integer not null references payers, token text not null, "
        "last_four text not null, expires text not null",
    ),
    Table(
        "bank_accounts",
        "id integer primary key, payer integer not null references payers, masked text not null",
    ),
    known_by={"customer_number": "customer_number"},
    also="create table refusals (request_id text primary key, count integer not null)",
)
_REFUSE = """
insert into refusals select unnest($1::text[]), 1
on conflict (request_id) do update set count = refusals.count + 1 where refusals.count < $2
returning request_id
"""


def subscribe(subscriber: Subscriber, store: PostgresStore) -> None:
    """Register handlers that fail at first."""
    refusals = int(os.environ.get("DSR_EXAMPLE_REFUSALS", "2"))
    wait = timedelta(seconds=float(os.environ.get("DSR_EXAMPLE_RETRY_SECONDS", "1.0")))

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> Sequence[Answer]:
        refused = await _refuse(store, requests, refusals) if refusals else set()
        able = [one for one in requests if one.request_id not in refused]
        ids = [one.request_id for one in able]
        erasures = dict(zip(ids, await store.erase(able), strict=True))
        retry_at = datetime.now(UTC) + wait
        answers: list[Answer] = []
        for request in requests:
            if request.request_id in refused:
                answers.append(Failed(reason="the card vault is busy", retry_at=retry_at))
            elif erasure := erasures[request.request_id]:
                answers.append(Erased(records=erasure.erased))
            else:
                answers.append(NotFound())
        return answers

    @subscriber.look_again()
    async def look(request: DeletionRequest) -> Answer:
        [left] = await store.count([request])
        return Present(records=sum(left.values())) if left else Absent()

    subscribe_access(subscriber, store)


async def _refuse(
    store: PostgresStore, requests: Sequence[DeletionRequest], limit: int
) -> set[str]:
    """Count one refusal for each request that has not had its share, and return those."""
    async with store.transaction() as connection:
        found = set((await store.find(connection, requests)).values())
        return {one[0] for one in await connection.fetch(_REFUSE, sorted(found), limit)}
