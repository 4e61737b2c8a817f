"""PostgreSQL: the breaker. Who passes is decided by one function there, in one round trip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import asyncpg

from dsr_core.errors import RuleViolation
from dsr_intake.adapters.audit import audited
from dsr_intake.model.breaker import DAY, BreakerLimits, BreakerRelease, BreakerScope, Stopped
from dsr_runtime.postgres import translated

__all__ = ["PostgresBreaker"]

_DECIDE = """
select intake.pass_breaker($1, $2, $3, $4, $5, $6, $7, $8)
from set_config('synchronous_commit', 'off', true)
"""
"""The function decides under its locks, by the window and by the day.

The transaction, which is this statement, does not wait for the disk: whoever comes next would wait for
it too. A PostgreSQL that crashes forgets what passed in its last moments, and nothing older."""


class PostgresBreaker:
    """Counts and stops; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def pass_(
        self,
        cohort_id: str,
        members: int,
        limits: Mapping[str, BreakerLimits],
        *,
        at: datetime,
        window: timedelta,
    ) -> Sequence[str]:
        """Let a cohort pass for some scopes; return those that are stopped."""
        with translated():
            refused: Sequence[str] = await self._pool.fetchval(
                _DECIDE,
                cohort_id,
                members,
                list(limits),
                [one.window for one in limits.values()],
                [one.day for one in limits.values()],
                at,
                window,
                DAY,
            )
        return refused

    async def busiest_hours(self, since: datetime, until: datetime) -> Mapping[str, Sequence[int]]:
        """Return for each scope how many erasures passed in the busiest hour of each day with any."""
        return await self._days("busiest_hour", since, until)

    async def whole_days(self, since: datetime, until: datetime) -> Mapping[str, Sequence[int]]:
        """Return for each scope how many erasures passed on each day with any."""
        return await self._days("whole_day", since, until)

    async def _days(
        self, what: Literal["busiest_hour", "whole_day"], since: datetime, until: datetime
    ) -> Mapping[str, Sequence[int]]:
        with translated():
            rows = await self._pool.fetch(
                """
                select scope, max(erasures)::bigint as busiest_hour,
                    sum(erasures)::bigint as whole_day
                from (
                    select scope, date_trunc('hour', minute) as hour, sum(erasures) as erasures
                    from intake.breaker_counts where minute >= $1 and minute < $2
                    group by 1, 2
                ) hours group by scope, date_trunc('day', hour)
                """,
                since,
                until,
            )
        days: defaultdict[str, list[int]] = defaultdict(list)
        for row in rows:
            days[row["scope"]].append(row[what])
        return days

    async def scopes(self, *, at: datetime, window: timedelta) -> Sequence[BreakerScope]:
        """Return every scope that was ever counted."""
        with translated():
            rows = await self._pool.fetch(
                """
                with waiting as (
                    select organisation_id, sum(b.members)::bigint as members
                    from intake.breaker_cohorts b
                    join intake.cohorts c on c.id = b.cohort_id,
                    unnest(b.waiting || '{*}') as organisation_id
                    where b.waiting <> '{}' and c.open_members > 0
                    group by 1
                )
                select s.scope, s.tripped_at, coalesce(w.members, 0) as waiting,
                    (select coalesce(sum(erasures), 0)::bigint from intake.breaker_counts n
                     where n.scope = s.scope and n.minute > $1::timestamptz - $2::interval) as erasures,
                    (select coalesce(sum(extra), 0)::bigint from intake.breaker_releases r
                     where r.scope in (s.scope, '*')
                         and r.approved_at > $1::timestamptz - $2::interval) as extra,
                    (select coalesce(sum(erasures), 0)::bigint from intake.breaker_counts n
                     where n.scope = s.scope
                         and n.minute > $1::timestamptz - $3::interval) as day_erasures,
                    (select coalesce(sum(extra), 0)::bigint from intake.breaker_releases r
                     where r.scope in (s.scope, '*')
                         and r.approved_at > $1::timestamptz - $3::interval) as day_extra
                from intake.breaker_scopes s left join waiting w on w.organisation_id = s.scope
                order by s.scope
                """,
                at,
                window,
                DAY,
            )
        return [
            BreakerScope(
                scope=row["scope"],
                erasures=row["erasures"],
                extra=row["extra"],
                day_erasures=row["day_erasures"],
                day_extra=row["day_extra"],
                waiting=row["waiting"],
                tripped_at=row["tripped_at"],
            )
            for row in rows
        ]

    async def stopped(self, cohort_id: str) -> Stopped | None:
        """Return how a cohort waits, or none."""
        with translated():
            row = await self._pool.fetchrow(
                """
                select waiting, first_try_at from intake.breaker_cohorts
                where cohort_id = $1 and waiting <> '{}'
                """,
                cohort_id,
            )
        if row is None:
            return None
        return Stopped(organisation_ids=tuple(sorted(row["waiting"])), since=row["first_try_at"])

    async def propose(self, release: BreakerRelease) -> None:
        """Keep a proposal."""
        targets = [release.release_id, release.scope]
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    """
                    insert into intake.breaker_releases
                        (id, scope, tripped_at, extra, reason, proposed_by, proposed_at)
                    values ($1, $2, $3, $4, $5, $6, $7)
                    """,
                    release.release_id,
                    release.scope,
                    release.tripped_at,
                    release.extra,
                    release.reason,
                    release.proposed_by,
                    release.proposed_at,
                )
                await audited(connection, "breaker.propose", targets, release.reason)

    async def release(self, release_id: str) -> BreakerRelease | None:
        """Return a proposal, approved or not."""
        with translated():
            row = await self._pool.fetchrow(
                "select * from intake.breaker_releases where id = $1", release_id
            )
        return _release(row) if row else None

    async def releases(self, limit: int) -> Sequence[BreakerRelease]:
        """Return what was proposed, the newest first."""
        with translated():
            rows = await self._pool.fetch(
                "select * from intake.breaker_releases order by id desc limit $1", limit
            )
        return [_release(row) for row in rows]

    async def approve(self, release_id: str, *, by: str, at: datetime) -> BreakerRelease:
        """Let erasures go on."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(
                    """
                    update intake.breaker_releases set approved_by = $2, approved_at = $3
                    where id = $1 and approved_by is null returning *
                    """,
                    release_id,
                    by,
                    at,
                )
                if row is None:
                    raise RuleViolation("approved_before", "the release was approved before")
                released = await connection.fetch(
                    """
                    update intake.breaker_scopes
                    set tripped_at = null, erasures = null, allowed = null
                    where ($1 in (scope, '*')) and tripped_at is not null
                        and exists (
                            select from intake.breaker_scopes
                            where scope = $1 and tripped_at = $2
                        )
                    returning scope
                    """,
                    row["scope"],
                    row["tripped_at"],
                )
                if not released:
                    detail = "it is of an earlier stop; propose another"
                    raise RuleViolation("not_tripped", detail)
                targets = [release_id, row["scope"]]
                await audited(connection, "breaker.approve", targets, row["reason"])
        return _release(row)

    async def forget(self, *, counts_before: datetime) -> int:
        """Drop old counts, and what has passed of cohorts that are answered."""
        with translated():
            dropped: int = await self._pool.fetchval(
                """
                with old as (
                    delete from intake.breaker_counts where minute < $1 returning 1
                ), done as (
                    delete from intake.breaker_cohorts b using intake.cohorts c
                    where c.id = b.cohort_id and c.open_members = 0 and c.answered_at < $2
                    returning 1
                )
                select (select count(*) from old) + (select count(*) from done)
                """,
                counts_before,
                counts_before,
            )
        return dropped


def _release(row: asyncpg.Record) -> BreakerRelease:
    return BreakerRelease(
        release_id=str(row["id"]),
        scope=row["scope"],
        tripped_at=row["tripped_at"],
        extra=row["extra"],
        reason=row["reason"],
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        approved_by=row["approved_by"],
        approved_at=row["approved_at"],
    )
