"""PostgreSQL: the keys of packages."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from dsr_core.ids import RequestId
from dsr_intake.model import WrappedKey
from dsr_intake.model.packages import PackageKey
from dsr_runtime.postgres import translated

__all__ = ["PostgresPackageKeys"]


class PostgresPackageKeys:
    """Keeps the keys of packages; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def public(self, request_ids: Sequence[RequestId]) -> dict[RequestId, bytes]:
        """Return the public keys of those that have one."""
        with translated():
            rows = await self._pool.fetch(
                """
                select request_id, public_key from intake_keys.package_keys
                where request_id = any($1::uuid[])
                """,
                request_ids,
            )
        return {RequestId(str(row["request_id"])): row["public_key"] for row in rows}

    async def add(self, keys: Sequence[PackageKey]) -> None:
        """Keep keys; where a request has one already that one stays."""
        with translated():
            await self._pool.execute(
                """
                insert into intake_keys.package_keys
                    (request_id, public_key, wrapped_key, kek_id, made_at)
                select * from unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::text[],
                    $5::timestamptz[]) as n (request_id)
                order by n.request_id
                on conflict do nothing
                """,
                [one.request_id for one in keys],
                [one.public_key for one in keys],
                [one.private_key.wrapped for one in keys],
                [one.private_key.kek_id for one in keys],
                [one.made_at for one in keys],
            )

    async def key(self, request_id: RequestId) -> PackageKey | None:
        """Return the key of a request's package; none where there is none any more."""
        with translated():
            row = await self._pool.fetchrow(
                "select * from intake_keys.package_keys where request_id = $1", request_id
            )
        if row is None:
            return None
        return PackageKey(
            request_id=request_id,
            public_key=row["public_key"],
            private_key=WrappedKey(row["wrapped_key"], row["kek_id"]),
            made_at=row["made_at"],
        )
