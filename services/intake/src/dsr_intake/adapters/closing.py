"""PostgreSQL: answering the requests that are closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dsr_core.ids import CohortId, RequestId
from dsr_core.lifecycle import State
from dsr_intake.model import Answer, Known
from dsr_intake.ports import Decide, Tell
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated

__all__ = ["PostgresClosing"]


class PostgresClosing:
    """Answers requests; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def answer(
        self, request_ids: Sequence[RequestId], *, decide: Decide, tell: Tell, at: datetime
    ) -> tuple[int, list[RequestId]]:
        """Answer in one transaction: outcome, then key, then cohort, then what is told of it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(
                    """
                    select id, cohort_id, state from intake.subject_requests
                    where id = any($1::uuid[]) order by id for update
                    """,
                    request_ids,
                )
                known = {
                    RequestId(str(row["id"])): Known(
                        CohortId(str(row["cohort_id"])), State(row["state"])
                    )
                    for row in rows
                }
                made = decide(known)
                if made:
                    await self._record_outcomes(connection, made)
                    await self._destroy_keys(connection, made)
                    ended = await self._count_down(connection, made, at)
                    await enqueue(connection, "intake", tell(made, ended))
        return len(made), [one for one in request_ids if one not in known]

    async def _record_outcomes(
        self, connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], made: Sequence[Answer]
    ) -> None:
        await connection.execute(
            """
            update intake.subject_requests r
            set state = a.state, outcome = a.outcome, closed_at = a.closed_at,
                answered_at = a.answered_at, identity_ciphertext = null,
                revision = pg_current_xact_id()::text::bigint
            from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
                as a (id, state, outcome, closed_at, answered_at)
            where r.id = a.id
            """,
            [one.request_id for one in made],
            [one.state.value for one in made],
            [one.outcome.value for one in made],
            [one.closed_at for one in made],
            [one.answered_at for one in made],
        )

    async def _destroy_keys(
        self, connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], made: Sequence[Answer]
    ) -> None:
        await connection.execute(
            "delete from intake_keys.request_keys where request_id = any($1::uuid[])",
            [one.request_id for one in made],
        )

    async def _count_down(
        self,
        connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
        made: Sequence[Answer],
        at: datetime,
    ) -> list[CohortId]:
        counts = sorted(Counter(one.cohort_id for one in made).items())
        rows = await connection.fetch(
            """
            update intake.cohorts c
            set open_members = c.open_members - n.answered,
                answered_at = case when c.open_members = n.answered then $3 else c.answered_at end
            from unnest($1::uuid[], $2::integer[]) as n (id, answered)
            where c.id = n.id
            returning c.id, c.open_members
            """,
            [cohort_id for cohort_id, _ in counts],
            [count for _, count in counts],
            at,
        )
        return [CohortId(str(row["id"])) for row in rows if row["open_members"] == 0]
