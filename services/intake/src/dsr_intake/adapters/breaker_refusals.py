"""PostgreSQL: proposals to refuse what waits before the breaker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_core.lifecycle import ASKED
from dsr_intake.adapters.audit import audited
from dsr_intake.model.breaker import BreakerRefusal
from dsr_runtime.postgres import translated

__all__ = ["PostgresBreakerRefusals"]

_WAITING = """
    from intake.breaker_cohorts b
    join intake.subject_requests r on b.cohort_id in (r.cohort_id, r.home_cohort_id)
    where b.waiting <> '{}' and ($1 = '*' or $1 = any(b.waiting)) and b.first_try_at <= $2
        and ($3::text is null or r.client_id = $3) and r.state = any($4)
"""

_STATES = [one.value for one in ASKED]


class PostgresBreakerRefusals:
    """Keeps them; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def propose(self, refusal: BreakerRefusal) -> BreakerRefusal:
        """Keep a proposal."""
        targets = [refusal.refusal_id, refusal.scope]
        if refusal.client_id is not None:
            targets.append(refusal.client_id)
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(
                    f"""
                    insert into intake.breaker_refusals
                        (id, scope, proposed_at, client_id, ground, reason, proposed_by, waiting)
                    select $5, $1, $2, $3, $6, $7, $8, n.waiting
                    from (select count(*) as waiting {_WAITING}) n where n.waiting > 0
                    returning *
                    """,
                    refusal.scope,
                    refusal.proposed_at,
                    refusal.client_id,
                    _STATES,
                    refusal.refusal_id,
                    refusal.ground,
                    refusal.reason,
                    refusal.proposed_by,
                )
                if row is None:
                    return refusal
                await audited(connection, "breaker.propose-refusal", targets, refusal.reason)
        return _refusal(row)

    async def refusal(self, refusal_id: str) -> BreakerRefusal | None:
        """Return a proposal, or none."""
        with translated():
            row = await self._pool.fetchrow(
                "select * from intake.breaker_refusals where id = $1", refusal_id
            )
        return _refusal(row) if row else None

    async def refusals(self, limit: int) -> Sequence[BreakerRefusal]:
        """Return what was proposed, the newest first."""
        with translated():
            rows = await self._pool.fetch(
                "select * from intake.breaker_refusals order by id desc limit $1", limit
            )
        return [_refusal(row) for row in rows]

    async def approve(self, refusal_id: str, *, by: str, at: datetime) -> BreakerRefusal:
        """Have it carried out."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(
                    """
                    update intake.breaker_refusals set approved_by = $2, approved_at = $3
                    where id = $1 and approved_by is null returning *
                    """,
                    refusal_id,
                    by,
                    at,
                )
                if row is None:
                    raise RuleViolation("approved_before", "the refusal was approved before")
                targets = [refusal_id, row["scope"]]
                await audited(connection, "breaker.approve-refusal", targets, row["reason"])
        return _refusal(row)

    async def undone(self) -> Sequence[BreakerRefusal]:
        """Return what is still to be carried out."""
        with translated():
            rows = await self._pool.fetch(
                """
                select * from intake.breaker_refusals
                where approved_at is not null and done_at is null order by approved_at
                """
            )
        return [_refusal(row) for row in rows]

    async def waiting(
        self, refusal: BreakerRefusal, *, after: str | None, limit: int
    ) -> Sequence[RequestId]:
        """Return the next requests that it is to refuse."""
        with translated():
            rows = await self._pool.fetch(
                f"select r.id {_WAITING} and ($5::uuid is null or r.id > $5) order by r.id limit $6",
                refusal.scope,
                refusal.proposed_at,
                refusal.client_id,
                _STATES,
                after,
                limit,
            )
        return [RequestId(str(row["id"])) for row in rows]

    async def done(self, refusal_id: str, *, at: datetime) -> None:
        """Record the end; what was refused is counted from the decisions, whoever took part."""
        with translated():
            await self._pool.execute(
                """
                update intake.breaker_refusals f set done_at = $2, refused = (
                    select count(*) from intake.decisions d
                    where d.kind = 'refuse' and d.recorded_at >= f.approved_at
                        and d.details->>'breaker_refusal' = f.id::text
                ) where id = $1 and done_at is null
                """,
                refusal_id,
                at,
            )


def _refusal(row: asyncpg.Record) -> BreakerRefusal:
    return BreakerRefusal(
        refusal_id=str(row["id"]),
        scope=row["scope"],
        client_id=row["client_id"],
        ground=row["ground"],
        reason=row["reason"],
        waiting=row["waiting"],
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        approved_by=row["approved_by"],
        approved_at=row["approved_at"],
        refused=row["refused"],
        done_at=row["done_at"],
    )
