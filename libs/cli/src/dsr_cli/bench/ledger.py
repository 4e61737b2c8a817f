"""The verifier's ledger, read as it stands in the database: what is closed, and when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import asyncpg

__all__ = [
    "Closed",
    "closed_count",
    "closed_requests",
    "cohort_count",
    "opened_count",
    "ready_packages",
    "what_is_missing",
]

_COUNT = "select count(*) from verifier.closures"
_OPENED = "select count(*) from verifier.requests"
_READY = "select count(*) from intake.packages where state = 'ready' and not is_partial"
_CLOSED = """
select r.request_id::text as request_id,
       extract(epoch from r.closed_at)::float8 as closed_at,
       extract(epoch from max(o.answered_at))::float8 as answered_at,
       extract(epoch from max(o.recorded_at))::float8 as recorded_at
  from verifier.requests r join verifier.obligations o using (request_id)
 where r.request_id = any($1::uuid[]) and r.closed_at is not null
 group by r.request_id
"""
_COHORTS = """
select count(distinct cohort_id) from verifier.requests where request_id = any($1::uuid[])
"""
_UNKNOWN = """
select count(*) from unnest($1::uuid[]) as asked (id)
 where not exists (select from verifier.requests where request_id = asked.id)
"""
_MISSING = """
select s.system_id, count(*) as requests, count(o.request_id) as answered
  from verifier.requests r
  join verifier.plans p using (plan_id)
 cross join unnest(p.system_ids) as s (system_id)
  left join verifier.obligations o on o.request_id = r.request_id and o.system_id = s.system_id
 where r.request_id = any($1::uuid[]) and r.closed_at is null and o.is_confirmed is not true
 group by s.system_id order by requests desc, s.system_id
"""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Closed:
    """One closed request; the times are Unix times."""

    request_id: str
    closed_at: float
    answered_at: float
    """When the last of its systems had answered, by that system's clock."""


async def closed_count(connection: asyncpg.Connection) -> int:
    """Return how many requests the ledger has closed, of this run and before."""
    return int(await connection.fetchval(_COUNT))


async def opened_count(connection: asyncpg.Connection) -> int:
    """Return of how many requests the ledger knows what is owed, of this run and before."""
    return int(await connection.fetchval(_OPENED))


async def ready_packages(connection: asyncpg.Connection) -> int:
    """Return how many packages intake has made, of this run and before."""
    return int(await connection.fetchval(_READY))


async def closed_requests(
    connection: asyncpg.Connection, request_ids: Collection[str]
) -> Sequence[Closed]:
    """Return those of these requests that are closed."""
    rows = await connection.fetch(_CLOSED, list(request_ids))
    return [Closed(row["request_id"], row["closed_at"], row["answered_at"]) for row in rows]


async def cohort_count(connection: asyncpg.Connection, request_ids: Collection[str]) -> int:
    """Return in how many cohorts these requests were opened."""
    return int(await connection.fetchval(_COHORTS, list(request_ids)))


async def what_is_missing(connection: asyncpg.Connection, request_ids: Collection[str]) -> str:
    """Say in words why some of these requests are open."""
    ids = list(request_ids)
    said = []
    if unknown := await connection.fetchval(_UNKNOWN, ids):
        said.append(f"{unknown} were never opened")
    rows = await connection.fetch(_MISSING, ids)
    said += [
        f"{row['system_id']} has not confirmed {row['requests']}"
        + (f" (answered {row['answered']})" if row["answered"] else "")
        for row in rows[:_NAMED]
    ]
    if len(rows) > _NAMED:
        said.append(f"{len(rows) - _NAMED} other systems have not either")
    return "; ".join(said) or "nothing is missing in the ledger"
