"""PostgreSQL: which copies are settled, so that no erasure waits for them any more."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import asyncpg

from dsr_core.ids import RequestId
from dsr_intake.adapters.audit import audited
from dsr_intake.model.packages import Hindrance
from dsr_intake.ports.packages import TellSettled
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated

__all__ = ["BEING_MADE", "PostgresCopies", "settle"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

BEING_MADE = "(p.state = 'waiting' and p.set_aside_at is null)"
"""That a package `p` is to be made, or is being made."""

_SETTLE = """
    update intake.packages p set copy_settled_at = $2 from intake.subject_requests r
    where r.id = p.request_id and p.request_id = $1 and r.closed_at is not null
        and p.copy_settled_at is null
"""
_LOCK = "select from intake.packages where request_id = $1 order by number for update"
_HINDRANCE = f"""
    select case
        when r.closed_at is null then 'open'
        when count(p.request_id) = 0 then 'no_package'
        when bool_or({BEING_MADE}) then 'being_made'
        when bool_and(p.copy_settled_at is not null) then 'settled'
    end
    from intake.subject_requests r left join intake.packages p on p.request_id = r.id
    where r.id = $1 group by r.id
"""
_REPEATS = """
    select id from intake.subject_requests
    where duplicate_of = $1 and closed_at is not null order by id
"""
_UNTOLD = """
    select distinct p.request_id from intake.packages p
    join intake.subject_requests r on r.id = p.request_id
    where p.copy_settled_at is null and p.state = 'ready' and r.closed_at is not null
        and not exists (
            select from intake.packages o where o.request_id = p.request_id
                and (o.state = 'waiting' or o.excluded <> '{}')
        )
    order by p.request_id limit $1
"""


class PostgresCopies:
    """Keeps which copies are settled; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def untold(self, *, limit: int) -> list[RequestId]:
        """Return closed requests of which a whole copy was made, and nobody was told so."""
        with translated():
            rows = await self._pool.fetch(_UNTOLD, limit)
        return [RequestId(str(row["request_id"])) for row in rows]

    async def hindrance(self, request_id: RequestId) -> Hindrance | None:
        """Return why the copy of a request cannot be settled now."""
        with translated():
            return _hindrance(await self._pool.fetchval(_HINDRANCE, request_id))

    async def settle(
        self, request_id: RequestId, tell: TellSettled, *, at: datetime, reason: str = ""
    ) -> Hindrance | None:
        """Settle the copy of a closed request, tell of it, and enter it where a person decides so."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(_LOCK, request_id)
                found = _hindrance(await connection.fetchval(_HINDRANCE, request_id))
                if found is None:
                    await settle(connection, request_id, tell, at)
                    await audited(connection, "package.accept", [request_id], reason)
        return found


async def settle(
    connection: _Connection, request_id: RequestId, tell: TellSettled, at: datetime
) -> None:
    """Write that the copy of a closed request is settled, and what is told of it; once.

    It is the copy of the duplicates that have ended with it, too.
    """
    status = await connection.execute(_SETTLE, request_id, at)
    if status.endswith(" 0"):
        return
    repeats = await connection.fetch(_REPEATS, request_id)
    told = [request_id, *(RequestId(str(row["id"])) for row in repeats)]
    await enqueue(connection, "intake", tell(told, at))


def _hindrance(found: str | None) -> Hindrance | None:
    return Hindrance(found) if found else None
