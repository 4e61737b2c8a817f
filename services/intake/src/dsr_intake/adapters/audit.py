"""PostgreSQL: the audit log, which is only added to."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import asyncpg

from dsr_core.ids import uuid7
from dsr_intake.model.audit import ANNOUNCED, DONE, AuditEntry, AuditFilter, acting
from dsr_intake.model.principals import Authentication, Principal, PrincipalKind
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated
from dsr_wire.codec import audit as wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import AUDIT

__all__ = ["PostgresAudit", "audited"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_EVENTS = uuid.UUID("4b1c0a52-93d7-5c1a-8f64-7c0f6b1f7d20")
"""The namespace of the ids of what is told here: the same entry has the same id for ever."""


async def audited(
    connection: _Connection,
    action: str,
    targets: Sequence[str],
    reason: str = "",
    *,
    outcome: str = DONE,
    by: Principal | None = None,
) -> AuditEntry | None:
    """Enter a change in the caller's transaction, with what the evidence log is told of it.

    Nothing happens where no person is acting and nobody is named: the service does by itself what
    follows from decisions.
    """
    who = by or acting()
    if who is None:
        return None
    now = datetime.now(UTC)
    entry = AuditEntry(
        entry_id=uuid7(int(now.timestamp() * 1000), os.urandom(10)),
        at=now,
        principal=who.id,
        kind=who.kind,
        authentication=who.authentication,
        action=action,
        targets=tuple(targets),
        reason=reason,
        outcome=outcome,
    )
    await connection.execute(
        """
        insert into intake.audit
            (id, at, principal, kind, authentication, action, targets, reason, outcome, digest)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        entry.entry_id,
        entry.at,
        entry.principal,
        entry.kind.value,
        entry.authentication.value,
        entry.action,
        entry.targets,
        entry.reason,
        entry.outcome,
        entry.digest,
    )
    await enqueue(connection, "intake", [_told(entry)])
    return entry


class PostgresAudit:
    """Keeps the log; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def announce(self, action: str, targets: Sequence[str], reason: str) -> AuditEntry | None:
        """Enter a change that is made elsewhere, before it is."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                return await audited(connection, action, targets, reason, outcome=ANNOUNCED)

    async def enter(
        self, action: str, targets: Sequence[str], reason: str, *, by: Principal
    ) -> None:
        """Enter what a program has done that is entered whoever does it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await audited(connection, action, targets, reason, by=by)

    async def entries(self, wanted: AuditFilter, *, limit: int) -> list[AuditEntry]:
        """Return entries, the newest first."""
        with translated():
            rows = await self._pool.fetch(
                """
                select * from intake.audit
                where ($1::text is null or principal = $1) and ($2::text is null or action = $2)
                    and ($3::text is null or $3 = any(targets))
                    and ($4::timestamptz is null or at >= $4) and ($5::uuid is null or id < $5)
                order by id desc limit $6
                """,
                wanted.principal,
                wanted.action,
                wanted.target,
                wanted.since,
                wanted.before,
                limit,
            )
        return [_entry(row) for row in rows]

    async def entry(self, entry_id: str) -> AuditEntry | None:
        """Return one entry, or none."""
        with translated():
            row = await self._pool.fetchrow("select * from intake.audit where id = $1", entry_id)
        return _entry(row) if row else None


def _told(entry: AuditEntry) -> Outgoing:
    told = wire.AuditEntry(entry_id=entry.entry_id, digest=entry.digest, recorded_at=entry.at)
    return encode(
        wire.audit_entries_to_wire([told]),
        topic=AUDIT.name,
        key=entry.entry_id,
        event_id=str(uuid.uuid5(_EVENTS, entry.entry_id)),
        source="intake",
        at=entry.at,
    )


def _entry(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(
        entry_id=str(row["id"]),
        at=row["at"],
        principal=row["principal"],
        kind=PrincipalKind(row["kind"]),
        authentication=Authentication(row["authentication"]),
        action=row["action"],
        targets=tuple(row["targets"]),
        reason=row["reason"],
        outcome=row["outcome"],
    )
