"""PostgreSQL: what people decide about single requests, with everything that follows from it."""

from __future__ import annotations

import json
from typing import TypeAlias

import asyncpg

from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_core.law.facts import FactKind
from dsr_core.lifecycle import Event
from dsr_intake.adapters.audit import audited
from dsr_intake.adapters.closing import write
from dsr_intake.adapters.duplicates import due_no_later, set_free
from dsr_intake.adapters.holds import held_rows
from dsr_intake.adapters.proposals import approve
from dsr_intake.adapters.reading import VIEW, view
from dsr_intake.model import DecisionEntry, RequestView, Ruling
from dsr_intake.ports import Resolve, Tell
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced

__all__ = ["Connection", "PostgresDecisions", "keep"]

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_KEEP = """
    insert into intake.decisions
        (request_id, revision, kind, decided_by, reason, effective_at, recorded_at, details)
    values ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb)
"""

_OF_HOLDS = (Event.PLACE_HOLD, Event.LIFT_HOLD)
"""What a hold asks for of each request follows from the hold, which has an entry of its own."""

_COHORT_OF_ONE = """
    insert into intake.cohorts (id, "right", regime, jurisdiction, categories, organisation_ids,
        system_ids, identifier_kinds, registry_digest, members, open_members, received_at, accepted_at, due_at,
        rules_digest, regime_why, since, uses, first_due_at, clock_stopped)
    select $2, c."right", c.regime, c.jurisdiction, c.categories, c.organisation_ids,
        c.system_ids, c.identifier_kinds, c.registry_digest, 1, 1, $3, $4, $5, c.rules_digest, c.regime_why,
        c.since, c.uses, coalesce(c.first_due_at, c.due_at), $6
    from intake.cohorts c where c.id = $1
"""

_LEAVE = """
    update intake.cohorts
    set open_members = open_members - 1,
        answered_at = case when open_members = 1 then $2 else answered_at end
    where id = $1 returning open_members
"""

_EXTENDED = """
    insert into intake.letters (request_id, kind, number, state, next_try_at, waiting_since)
    select r.id, 'extended', 1 + (
            select count(*) from intake.letters l where l.request_id = r.id and l.kind = 'extended'
        ), 'waiting', $2, $2
    from intake.subject_requests r where r.id = $1 and r.letters and not exists (
        select from intake.letters l
        where l.request_id = r.id and l.kind = 'extended' and l.state = 'waiting'
    )
"""


class PostgresDecisions:
    """Keeps decisions; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def decide(self, request_id: str, resolve: Resolve, tell: Tell) -> Ruling | None:
        """Write what follows from a decision, in one transaction."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                found = await locked(connection, request_id)
                if found is None:
                    return None
                ruling = resolve(found, await held_rows(connection, request_id))
                await self._write(connection, found, ruling, tell)
        return ruling

    async def entries(self, request_id: str) -> list[DecisionEntry]:
        """Return what was decided about a request, the oldest first."""
        with translated():
            rows = await self._pool.fetch(
                "select * from intake.decisions where request_id = $1 order by revision, recorded_at",
                request_id,
            )
        return [_entry(row) for row in rows]

    async def _write(
        self, connection: Connection, found: RequestView, ruling: Ruling, tell: Tell
    ) -> None:
        entry = ruling.entry
        await keep(connection, entry)
        if ruling.hold is not None:
            await _hold(connection, ruling.hold, entry)
        if ruling.proposal_id is not None:
            await approve(connection, ruling.proposal_id, entry)
        records = list(ruling.records)
        is_leaving = ruling.if_home_ends is not None
        if ruling.if_home_ends and await self._leave(connection, found, ruling):
            records.append(ruling.if_home_ends)
        await connection.execute(
            """
            update intake.subject_requests
            set state = $2, commands = $3, fact_kinds = $4, fact_times = $5, decided_at = $6,
                home_cohort_id = case when $7 then cohort_id else home_cohort_id end,
                cohort_id = case when $7 then id else cohort_id end,
                related_to = coalesce(duplicate_of, related_to), duplicate_of = null,
                revision = pg_current_xact_id()::text::bigint
            where id = $1
            """,
            entry.request_id,
            ruling.state.value,
            entry.revision,
            [one.kind.value for one in ruling.facts],
            [one.effective_at for one in ruling.facts],
            entry.recorded_at,
            is_leaving,
        )
        if not is_leaving:
            await self._move_date(connection, found, ruling)
        if ruling.set_free is not None:
            free = await set_free(connection, entry.request_id)
            for one in free:
                records.extend(ruling.set_free(one))
        elif ruling.due_at < found.due_at:
            await due_no_later(connection, entry.request_id, ruling.due_at)
        await enqueue(connection, "intake", records)
        if entry.kind == Event.EXTEND:
            await _tell(connection, ruling)
        if ruling.answer is not None:
            await write(connection, [ruling.answer], tell=tell, at=entry.recorded_at)

    @staticmethod
    async def _leave(connection: Connection, found: RequestView, ruling: Ruling) -> bool:
        """Move a request into a cohort of its own; tell whether it was the last of its home."""
        await connection.execute(
            _COHORT_OF_ONE,
            found.cohort_id,
            found.request_id,
            found.received_at,
            found.accepted_at,
            ruling.due_at,
            ruling.clock_stopped,
        )
        at = ruling.entry.recorded_at
        return bool(await connection.fetchval(_LEAVE, found.cohort_id, at) == 0)

    @staticmethod
    async def _move_date(connection: Connection, found: RequestView, ruling: Ruling) -> None:
        await connection.execute(
            """
            update intake.cohorts
            set first_due_at = case
                    when due_at = $2 then first_due_at else coalesce(first_due_at, due_at)
                end,
                due_at = $2, clock_stopped = $3
            where id = $1 and (due_at, clock_stopped) <> ($2, $3)
            """,
            found.cohort_id,
            ruling.due_at,
            ruling.clock_stopped,
        )


async def locked(connection: Connection, request_id: str) -> RequestView | None:
    """Return a request as it stands, locked until the transaction ends, or none.

    Locking is a statement of its own: the one that reads then sees the cohort that whoever was waited
    for has moved the request to.
    """
    await connection.execute(
        "select from intake.subject_requests where id = $1 for update", request_id
    )
    row = await connection.fetchrow(f"{VIEW} where r.id = $1", request_id)
    return view(row) if row else None


async def keep(connection: Connection, entry: DecisionEntry) -> None:
    """Write a decision in the caller's transaction, and its entry in the audit log."""
    await connection.execute(
        _KEEP,
        entry.request_id,
        entry.revision,
        entry.kind,
        entry.decided_by,
        entry.reason,
        entry.effective_at,
        entry.recorded_at,
        json.dumps(entry.details),
    )
    if entry.kind not in _OF_HOLDS:
        await audited(connection, f"request.{entry.kind}", [entry.request_id], entry.reason)


async def _tell(connection: Connection, ruling: Ruling) -> None:
    """Write the letter that tells of an extension, unless one is on its way."""
    entry = ruling.entry
    status = await connection.execute(_EXTENDED, entry.request_id, entry.recorded_at)
    is_promise = ruling.facts[-1].kind is FactKind.EXTENSION_DECIDED
    if is_promise and status.endswith(" 0"):
        detail = "it was extended before, and the letter that tells the person of it is on its way"
        raise RuleViolation("extended_already", detail)


async def _hold(
    connection: Connection, change: HoldPlaced | HoldLifted, entry: DecisionEntry
) -> None:
    if isinstance(change, HoldPlaced):
        changed = await connection.fetchval(
            """
            update intake.held_requests set held_at = $3, system_ids = $4
            where request_id = $1 and hold_id = $2 and held_at is null and lifted_at is null
            returning true
            """,
            entry.request_id,
            change.hold_id,
            entry.recorded_at,
            change.system_ids,
        )
    else:
        changed = await connection.fetchval(
            """
            update intake.held_requests set lifted_at = $3
            where request_id = $1 and hold_id = $2 and held_at is not null and lifted_at is null
            returning true
            """,
            entry.request_id,
            change.hold_id,
            entry.recorded_at,
        )
    if not changed:
        raise RuleViolation("hold_changed", "the hold was placed or lifted before")


def _entry(row: asyncpg.Record) -> DecisionEntry:
    return DecisionEntry(
        request_id=RequestId(str(row["request_id"])),
        revision=row["revision"],
        kind=row["kind"],
        decided_by=row["decided_by"],
        reason=row["reason"],
        effective_at=row["effective_at"],
        recorded_at=row["recorded_at"],
        details=json.loads(row["details"]),
    )
