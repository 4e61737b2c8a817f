"""PostgreSQL: who has an API key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dsr_intake.adapters.audit import audited
from dsr_intake.model.principals import (
    Authentication,
    ClientRow,
    Limits,
    Principal,
    PrincipalKind,
    StoredKey,
    known_scopes,
)
from dsr_runtime.postgres import translated

__all__ = ["PostgresApiClients"]

_COLUMNS = """client_id, name, role, scopes, jurisdictions, calls_per_s, calls_at_once, created_at,
    expires_at, former_expires_at, revoked_at, package_recipient"""


class PostgresApiClients:
    """Keeps clients; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def add(self, client: ClientRow, secret_hash: bytes, *, reason: str) -> None:
        """Keep a client."""
        limits = client.limits
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    """
                    insert into intake.api_clients (client_id, name, secret_hash, role, scopes,
                        jurisdictions, expires_at, calls_per_s, calls_at_once, created_at)
                    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                    """,
                    client.client_id,
                    client.name,
                    secret_hash,
                    client.kind.value,
                    sorted(client.scopes),
                    client.jurisdictions,
                    client.expires_at,
                    limits.calls_per_s if limits else None,
                    limits.calls_at_once if limits else None,
                    client.created_at,
                )
                await audited(connection, "client.create", [client.client_id], reason)

    async def stored(self, client_id: str) -> StoredKey | None:
        """Return what a client's keys are compared with, or none."""
        with translated():
            row = await self._pool.fetchrow(
                f"select {_COLUMNS}, secret_hash, former_hash from intake.api_clients"
                " where client_id = $1 and revoked_at is null",
                client_id,
            )
        if row is None:
            return None
        secrets = [(row["secret_hash"], row["expires_at"])]
        if row["former_hash"] is not None:
            secrets.append((row["former_hash"], row["former_expires_at"]))
        return StoredKey(principal=_principal(_client(row)), secrets=tuple(secrets))

    async def rotate(
        self,
        client_id: str,
        secret_hash: bytes,
        *,
        expires_at: datetime | None,
        former_until: datetime,
        reason: str,
    ) -> ClientRow | None:
        """Give a client another key; none where there is no such client."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(
                    f"""
                    update intake.api_clients set former_hash = secret_hash,
                        former_expires_at = least(expires_at, $4), secret_hash = $2, expires_at = $3
                    where client_id = $1 and revoked_at is null returning {_COLUMNS}
                    """,
                    client_id,
                    secret_hash,
                    expires_at,
                    former_until,
                )
                if row is not None:
                    await audited(connection, "client.rotate", [client_id], reason)
        return _client(row) if row else None

    async def receive(
        self, client_id: str, recipient: str | None, *, reason: str
    ) -> ClientRow | None:
        """Say what packages for a client's callback are encrypted to; none where there is no such client."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(
                    f"""
                    update intake.api_clients set package_recipient = $2
                    where client_id = $1 and role = 'client' and revoked_at is null
                    returning {_COLUMNS}
                    """,
                    client_id,
                    recipient,
                )
                if row is not None:
                    action = "client.receive" if recipient else "client.receive_nothing"
                    await audited(connection, action, [client_id], reason)
        return _client(row) if row else None

    async def all(self) -> Sequence[ClientRow]:
        """Return every client, the oldest first."""
        with translated():
            rows = await self._pool.fetch(
                f"select {_COLUMNS} from intake.api_clients order by created_at, client_id"
            )
        return [_client(row) for row in rows]

    async def revoke(self, client_id: str, *, at: datetime, reason: str) -> bool:
        """Revoke a client; false where there is none."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                status = await connection.execute(
                    "update intake.api_clients set revoked_at = coalesce(revoked_at, $2)"
                    " where client_id = $1",
                    client_id,
                    at,
                )
                is_there = not status.endswith(" 0")
                if is_there:
                    await audited(connection, "client.revoke", [client_id], reason)
        return is_there


def _client(row: asyncpg.Record) -> ClientRow:
    limits = None
    if row["calls_per_s"] is not None:
        limits = Limits(row["calls_per_s"], row["calls_at_once"])
    return ClientRow(
        client_id=row["client_id"],
        name=row["name"],
        kind=PrincipalKind(row["role"]),
        scopes=known_scopes(row["scopes"]),
        jurisdictions=tuple(row["jurisdictions"]),
        limits=limits,
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        former_expires_at=row["former_expires_at"],
        revoked_at=row["revoked_at"],
        package_recipient=row["package_recipient"],
    )


def _principal(client: ClientRow) -> Principal:
    return Principal(
        id=client.client_id,
        kind=client.kind,
        scopes=client.scopes,
        authentication=Authentication.API_KEY,
        jurisdictions=client.jurisdictions,
        limits=client.limits,
    )
