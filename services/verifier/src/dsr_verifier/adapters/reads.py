"""The read side in PostgreSQL. Never writes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg

from dsr_runtime.postgres import translated
from dsr_verifier.adapters.amended_views import read_amended, settled_by_value
from dsr_verifier.adapters.copies import IS_AWAITED
from dsr_verifier.adapters.plans import Connection
from dsr_verifier.adapters.rows import delivery_value, exemptions_value
from dsr_verifier.views import Cursor, Document
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes

__all__ = ["PostgresViews"]

_REQUEST = f"""
select r.*, p.registry_digest, p.system_ids, p.organisation_ids, p.phases,
    coalesce(o.system_ids, p.system_ids) as opened_system_ids,
    coalesce(o.organisation_ids, p.organisation_ids) as opened_organisation_ids,
    array(select a.awaited_id::text from verifier.awaited a
        left join verifier.requests x on x.request_id = a.awaited_id
        where a.request_id = r.request_id and {IS_AWAITED} order by 1) as awaited_ids
from verifier.requests r join verifier.plans p using (plan_id)
left join verifier.plans o on o.plan_id = r.opened_plan_id where r.request_id = $1
"""
_OBLIGATIONS = "select * from verifier.obligations where request_id = $1"
_KNOWN = "select true from verifier.requests where request_id = $1"
# A cohort that everyone has left is known, and so is the one that somebody left for after the closing.
_KNOWN_COHORT = """
select exists (select from verifier.requests where cohort_id = $1)
    or exists (select from verifier.requests where home_cohort_id = $1)
    or exists (select from verifier.requests where request_id = $1 and closed_at is not null)
"""
_ACKNOWLEDGEMENTS = """
select system_id, sequence, leaf_hash, batch_id, leaf_index, recorded_at, leaf
from verifier.acknowledgements where request_id = $1 order by recorded_at, system_id, sequence
"""
_CLOSURE = "select * from verifier.closures where request_id = $1"
_PROGRESS = """
select r.request_id, r.expected, r.open_count, r.closed_at, r.held_system_ids, p.system_ids
from verifier.requests r join verifier.plans p using (plan_id) where r.request_id = any($1::uuid[])
"""
_DISPOSITIONS = """
select request_id, system_id, disposition, is_confirmed, is_contradicted from verifier.obligations
where request_id = any($1::uuid[])
"""
_LINKS_TOLD = """
select request_id, count(*) as told, max(told_at) as last_told_at
from verifier.links_told where request_id = any($1::uuid[]) group by 1 order by 1
"""
_OPEN_MEMBERS = """
select r.request_id, p.system_ids, r.held_system_ids
from verifier.requests r join verifier.plans p using (plan_id)
where r.cohort_id = $1 and r.closed_at is null order by r.request_id
"""
_CONFIRMED = """
select request_id, system_id from verifier.obligations
where request_id = any($1::uuid[]) and is_confirmed
"""
_PHASES = """
select phase, told_at, is_due, confirmed_at from verifier.phases
where cohort_id = $1 order by phase
"""
_HORIZON = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_CHANGES = """
select c.xid::text::bigint as xid, n.place, n.request_id, n.system_id, n.disposition, n.confirmed,
    c.at
from verifier.changes c,
    unnest(c.request_ids, c.system_ids, c.dispositions, c.confirmed)
        with ordinality as n (request_id, system_id, disposition, confirmed, place)
where c.xid >= $1::text::xid8 and c.xid < $2::text::xid8
and (c.xid > $1::text::xid8 or n.place > $3)
order by c.xid, n.place limit $4
"""


class PostgresViews:
    """The Views over schema `verifier`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def obligations(self, request_id: str) -> Document | None:
        """Return a request with all its obligations, or none where the ledger does not know it."""
        async with self._snapshot() as connection:
            request = await connection.fetchrow(_REQUEST, request_id)
            if request is None:
                return None
            rows = await connection.fetch(_OBLIGATIONS, request_id)
            opened = zip(
                request["opened_system_ids"], request["opened_organisation_ids"], strict=True
            )
            amended = await read_amended(connection, request_id, dict(opened))
            phases = await _phases(connection, request["cohort_id"])
        held = request["held_system_ids"] or ()
        answered = {row["system_id"]: row for row in rows}
        owners = zip(
            request["system_ids"],
            request["organisation_ids"],
            request["phases"] or [0] * len(request["system_ids"]),
            strict=True,
        )
        return {
            "request_id": request_id,
            "cohort_id": str(request["cohort_id"]),
            "home_cohort_id": str(request["home_cohort_id"] or request["cohort_id"]),
            "right": request["asked_right"],
            "regime": request["regime"],
            "registry_digest": request["registry_digest"],
            "due_at": request["due_at"],
            "opened_at": request["opened_at"],
            "expected": request["expected"],
            "open": request["open_count"],
            "closed_at": request["closed_at"],
            "stopping": request["stopping"],
            "obligations": [
                {
                    "system_id": system_id,
                    "organisation_id": organisation_id,
                    "phase": phase,
                    "is_held": system_id in held,
                    "answers_for": amended.answers_for(system_id, answered),
                }
                | _obligation(answered.get(system_id))
                for system_id, organisation_id, phase in owners
            ],
            "phases": phases,
            "awaits": request["awaited_ids"],
            "holds": amended.holds,
            "breaches": amended.breaches,
            "amendments": amended.amendments,
        }

    async def acknowledgements(self, request_id: str) -> list[Document] | None:
        """Return every answer to a request in the order of recording, or none as above."""
        async with self._snapshot() as connection:
            if not await connection.fetchval(_KNOWN, request_id):
                return None
            rows = await connection.fetch(_ACKNOWLEDGEMENTS, request_id)
        return [_acknowledgement(row) for row in rows]

    async def closure(self, request_id: str) -> Document | None:
        """Return a request's closure, or none while it is open or unknown."""
        with translated():
            row = await self._pool.fetchrow(_CLOSURE, request_id)
        if row is None:
            return None
        return {
            "request_id": request_id,
            "cohort_id": str(row["cohort_id"]),
            "right": row["asked_right"],
            "outcome": row["outcome"],
            "closed_at": row["closed_at"],
            "obligations": row["obligations"],
            "evidence_digest": row["evidence_digest"].hex(),
            "registry_digest": row["registry_digest"],
        }

    async def progress(self, request_ids: Sequence[str]) -> list[Document]:
        """Return how far the known ones among requests are, in the order asked."""
        async with self._snapshot() as connection:
            rows = await connection.fetch(_PROGRESS, list(request_ids))
            answered = await connection.fetch(_DISPOSITIONS, list(request_ids))
        given: defaultdict[str, dict[str, asyncpg.Record]] = defaultdict(dict)
        for row in answered:
            given[str(row["request_id"])][row["system_id"]] = row
        found = {str(row["request_id"]): row for row in rows}
        return [
            {
                "request_id": request_id,
                "expected": request["expected"],
                "open": request["open_count"],
                "closed_at": request["closed_at"],
                "systems": {
                    system_id: answer["disposition"]
                    if (answer := given[request_id].get(system_id))
                    else None
                    for system_id in request["system_ids"]
                },
                "confirmed": _named(given[request_id], "is_confirmed"),
                "contradicted": _named(given[request_id], "is_contradicted"),
                "held": sorted(request["held_system_ids"] or ()),
            }
            for request_id in request_ids
            if (request := found.get(request_id)) is not None
        ]

    async def links_told(self, request_ids: Sequence[str]) -> list[Document]:
        """Return how many answers with links intake was told of."""
        with translated():
            rows = await self._pool.fetch(_LINKS_TOLD, list(request_ids))
        return [{**row, "request_id": str(row["request_id"])} for row in rows]

    async def missing(self, cohort_id: str) -> Document | None:
        """Return how many requests of a cohort are open and who owes them, or none as above."""
        async with self._snapshot() as connection:
            rows = await connection.fetch(_OPEN_MEMBERS, cohort_id)
            if not rows and not await connection.fetchval(_KNOWN_COHORT, cohort_id):
                return None
            phases = await _phases(connection, cohort_id)
            members = [row["request_id"] for row in rows]
            confirmed = {
                (row["request_id"], row["system_id"])
                for row in await connection.fetch(_CONFIRMED, members)
            }
        systems: defaultdict[str, list[str]] = defaultdict(list)
        held: defaultdict[str, list[str]] = defaultdict(list)
        for row in rows:
            for system_id in row["system_ids"]:
                if (row["request_id"], system_id) not in confirmed:
                    is_held = system_id in (row["held_system_ids"] or ())
                    (held if is_held else systems)[system_id].append(str(row["request_id"]))
        return {
            "cohort_id": cohort_id,
            "open_requests": len(rows),
            "systems": dict(sorted(systems.items())),
            "held": dict(sorted(held.items())),
            "phases": phases,
        }

    async def now(self) -> Cursor:
        """Return the cursor of now: every change from here on comes after it."""
        with translated():
            return Cursor(int(await self._pool.fetchval(_HORIZON)), 0)

    async def changes(self, after: Cursor, limit: int) -> tuple[list[Document], Cursor]:
        """Return the changes after a cursor, and the cursor to go on from."""
        horizon = await self.now()
        if after.xid >= horizon.xid:
            return [], Cursor(after.xid, after.place)
        with translated():
            found = await self._pool.fetch(
                _CHANGES, str(after.xid), str(horizon.xid), after.place, limit
            )
        changes = [_change(row) for row in found]
        if len(found) == limit:
            return changes, Cursor(found[-1]["xid"], found[-1]["place"])
        return changes, horizon

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Connection]:
        with translated():
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection


def _named(rows: Mapping[str, asyncpg.Record], column: str) -> list[str]:
    """Return the systems whose obligations stand so."""
    return sorted(system_id for system_id, row in rows.items() if row[column])


async def _phases(connection: Connection, cohort_id: object) -> list[Document]:
    """Return how far a cohort has come; nothing where all of its systems were asked at once."""
    return [dict(row) for row in await connection.fetch(_PHASES, cohort_id)]


def _obligation(row: asyncpg.Record | None) -> Document:
    if row is None:
        return {
            "is_confirmed": False,
            "is_contradicted": False,
            "contradicts_closure": False,
            "disposition": None,
            "sequence": 0,
            "records": 0,
            "exemptions": [],
            "reason": "",
            "answered_at": None,
            "recorded_at": None,
            "retry_at": None,
            "settled_by": None,
            "delivery": None,
        }
    return {
        "is_confirmed": row["is_confirmed"],
        "is_contradicted": row["is_contradicted"],
        "contradicts_closure": row["contradicts_closure"],
        "disposition": row["disposition"],
        "sequence": row["sequence"],
        "records": row["records"],
        "exemptions": json.loads(row["exemptions"] or "[]"),
        "reason": row["reason"] or "",
        "answered_at": row["answered_at"],
        "recorded_at": row["recorded_at"],
        "retry_at": row["retry_at"],
        "settled_by": settled_by_value(row["settled_by"], row["reason"]),
        "delivery": json.loads(row["delivery"] or "null"),
    }


def _acknowledgement(row: asyncpg.Record) -> Document:
    answer = acknowledgement_from_bytes(row["leaf"])
    return {
        "system_id": row["system_id"],
        "sequence": row["sequence"],
        "disposition": answer.disposition.value,
        "records": answer.records,
        "exemptions": exemptions_value(answer.exemptions),
        "reason": answer.reason,
        "delivery": delivery_value(answer.delivery),
        "answered_at": answer.answered_at,
        "recorded_at": row["recorded_at"],
        "batch_id": str(row["batch_id"]),
        "index": row["leaf_index"],
        "leaf_hash": row["leaf_hash"].hex(),
    }


def _change(row: asyncpg.Record) -> Document:
    return {
        "cursor": str(Cursor(row["xid"], row["place"])),
        "request_id": str(row["request_id"]),
        "system_id": row["system_id"],
        "disposition": row["disposition"],
        "is_confirmed": row["confirmed"],
        "at": row["at"],
    }
