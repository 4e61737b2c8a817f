"""PostgreSQL: the clients of the public API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dsr_intake.model import ClientRow
from dsr_runtime.postgres import translated

__all__ = ["PostgresApiClients"]


class PostgresApiClients:
    """Keeps clients; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def add(self, client_id: str, name: str, secret_hash: bytes, *, at: datetime) -> None:
        """Keep a client."""
        with translated():
            await self._pool.execute(
                "insert into intake.api_clients (client_id, name, secret_hash, created_at)"
                " values ($1, $2, $3, $4)",
                client_id,
                name,
                secret_hash,
                at,
            )

    async def secret_hash(self, client_id: str) -> bytes | None:
        """Return the SHA-256 of a client's secret, or none."""
        with translated():
            found: bytes | None = await self._pool.fetchval(
                "select secret_hash from intake.api_clients"
                " where client_id = $1 and revoked_at is null",
                client_id,
            )
        return found

    async def all(self) -> Sequence[ClientRow]:
        """Return every client, the oldest first."""
        with translated():
            rows = await self._pool.fetch(
                "select client_id, name, created_at, revoked_at from intake.api_clients"
                " order by created_at, client_id"
            )
        return [
            ClientRow(row["client_id"], row["name"], row["created_at"], row["revoked_at"])
            for row in rows
        ]

    async def revoke(self, client_id: str, *, at: datetime) -> bool:
        """Revoke a client; false where there is none."""
        with translated():
            status = await self._pool.execute(
                "update intake.api_clients set revoked_at = coalesce(revoked_at, $2)"
                " where client_id = $1",
                client_id,
                at,
            )
        return not status.endswith(" 0")
