"""PostgreSQL: wrapped keys as a whole, and the ring keys that wrap them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dsr_intake.model import KeyCount, RingRow, WrappedRow
from dsr_intake.ports import Rewrap
from dsr_runtime.postgres import translated

__all__ = ["PostgresKeys", "PostgresRing"]

_RETIRE = "update intake_keys.ring_keys set retired_at = $1 where retired_at is null"

_ADD = """
    insert into intake_keys.ring_keys (id, service, wrapped_key, made_at) values ($1, $2, $3, $4)
"""

_DESTROY = """
    delete from intake_keys.ring_keys
    where id = $1 and retired_at <= $2
        and not exists (select from intake_keys.request_keys where kek_id = $1)
"""

_REPLACE = """
    update intake_keys.request_keys k set wrapped_key = a.wrapped_key, kek_id = a.kek_id
    from unnest($1::uuid[], $2::bytea[], $3::text[]) as a (id, wrapped_key, kek_id)
    where k.request_id = a.id
"""


_DEAD = "select pg_stat_get_dead_tuples('intake_keys.request_keys'::regclass)"

_VACUUM = "vacuum (skip_locked, index_cleanup on, truncate off) intake_keys.request_keys"


class PostgresRing:
    """Keeps ring keys; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def rows(self) -> list[RingRow]:
        """Return every ring key, the oldest first."""
        with translated():
            rows = await self._pool.fetch(
                "select * from intake_keys.ring_keys order by retired_at nulls last, made_at"
            )
        return [
            RingRow(
                kek_id=row["id"],
                service=row["service"],
                wrapped=row["wrapped_key"],
                made_at=row["made_at"],
                retired_at=row["retired_at"],
            )
            for row in rows
        ]

    async def add(self, row: RingRow, *, after: str | None) -> bool:
        """Keep a key that wraps from now on, and retire the one before."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "lock table intake_keys.ring_keys in share row exclusive mode"
                )
                newest = await connection.fetchval(
                    "select id from intake_keys.ring_keys where retired_at is null"
                )
                if newest != after:
                    return False
                # One after the other: one statement would have two that wrap, if only for a moment.
                await connection.execute(_RETIRE, row.made_at)
                await connection.execute(_ADD, row.kek_id, row.service, row.wrapped, row.made_at)
        return True

    async def destroy(self, kek_id: str, *, retired_before: datetime) -> bool:
        """Delete a ring key that has retired before a time and wraps nothing."""
        with translated():
            status = await self._pool.execute(_DESTROY, kek_id, retired_before)
            return not status.endswith(" 0")


class PostgresKeys:
    """The wrapped keys of requests; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def count(self) -> list[KeyCount]:
        """Return how many keys are wrapped under each key-encryption key, the most first."""
        with translated():
            rows = await self._pool.fetch(
                """
                select kek_id, count(*) as keys, min(request_id::text) as oldest
                from intake_keys.request_keys group by kek_id order by 2 desc, 1
                """
            )
        return [KeyCount(row["kek_id"], row["keys"], row["oldest"]) for row in rows]

    async def rewrap(self, again: Rewrap, *, under: Sequence[str], limit: int) -> int:
        """Replace keys that are wrapped under some key-encryption keys."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(
                    """
                    select request_id::text, wrapped_key, kek_id from intake_keys.request_keys
                    where kek_id = any($1::text[]) order by request_id limit $2
                    for update skip locked
                    """,
                    under,
                    limit,
                )
                if not rows:
                    return 0
                found = [WrappedRow(*row) for row in rows]
                replaced = await again(found)
                await connection.execute(
                    _REPLACE,
                    [one.request_id for one in found],
                    [one.wrapped for one in replaced],
                    [one.kek_id for one in replaced],
                )
        return len(found)

    async def clean(self) -> None:
        """Have the database drop the rows of keys that were destroyed or replaced."""
        with translated():
            if await self._pool.fetchval(_DEAD):
                await self._pool.execute(_VACUUM, timeout=300)
