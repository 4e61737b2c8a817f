"""PostgreSQL: wrapped keys as a whole, and the ring keys that wrap them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dsr_core.ids import RequestId
from dsr_intake.model import KeyCount, RingRow, WrappedRow
from dsr_intake.model.packages import package_binding
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
        and not exists (select from intake_keys.package_keys where kek_id = $1)
"""

_TABLES = {
    "intake_keys.request_keys": "",
    "intake_keys.package_keys": package_binding(RequestId("")),
}
"""Where wrapped keys are, and what each table's are bound to after the request's id."""

_COUNT = """
    select kek_id, count(*) as keys, min(request_id::text) as oldest from (
        select kek_id, request_id from intake_keys.request_keys
        union all select kek_id, request_id from intake_keys.package_keys
    ) as wrapped
    group by kek_id order by 2 desc, 1
"""


def _replaceable(table: str) -> str:
    return f"""
        select request_id::text || $3, wrapped_key, kek_id from {table}
        where kek_id = any($1::text[]) order by request_id limit $2
        for update skip locked
    """


def _replace(table: str) -> str:
    return f"""
        update {table} k set wrapped_key = a.wrapped_key, kek_id = a.kek_id
        from unnest($1::uuid[], $2::bytea[], $3::text[]) as a (id, wrapped_key, kek_id)
        where k.request_id = a.id
    """


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
            rows = await self._pool.fetch(_COUNT)
        return [KeyCount(row["kek_id"], row["keys"], row["oldest"]) for row in rows]

    async def rewrap(self, again: Rewrap, *, under: Sequence[str], limit: int) -> int:
        """Replace keys that are wrapped under some key-encryption keys."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                done = 0
                for table, bound in _TABLES.items():
                    rows = await connection.fetch(_replaceable(table), under, limit - done, bound)
                    if not rows:
                        continue
                    replaced = await again([WrappedRow(*row) for row in rows])
                    await connection.execute(
                        _replace(table),
                        [row[0].removesuffix(bound) for row in rows],
                        [one.wrapped for one in replaced],
                        [one.kek_id for one in replaced],
                    )
                    done += len(rows)
        return done

    async def clean(self) -> None:
        """Have the database drop the rows of keys that were destroyed or replaced."""
        with translated():
            for table in _TABLES:
                dead = await self._pool.fetchval(
                    "select pg_stat_get_dead_tuples($1::text::regclass)", table
                )
                if dead:
                    await self._pool.execute(
                        f"vacuum (skip_locked, index_cleanup on, truncate off) {table}", timeout=300
                    )
