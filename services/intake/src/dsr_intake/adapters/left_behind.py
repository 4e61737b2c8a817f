"""PostgreSQL: duplicates that were left behind by what they repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import asyncpg

from dsr_core.ids import RequestId
from dsr_core.lifecycle import State
from dsr_intake.adapters.closing import known, write
from dsr_intake.adapters.decisions import locked
from dsr_intake.adapters.duplicates import duplicates_of, set_free
from dsr_intake.adapters.reading import VIEW, view
from dsr_intake.model import RequestView
from dsr_intake.ports import Decide, Tell
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated
from dsr_wire.envelope import Outgoing

__all__ = ["PostgresLeftBehind"]

_LEFT = f"""
    {VIEW} where r.id in (
        select t.duplicate_of from intake.subject_requests t
        join intake.cohorts own on own.id = t.cohort_id
        join intake.subject_requests o on o.id = t.duplicate_of
        join intake.cohorts its on its.id = o.cohort_id
        where t.duplicate_of is not null and t.closed_at is null
            and (o.closed_at is not null or o.state = $1 or its.due_at > own.due_at)
    ) order by r.id limit $2
"""


class PostgresLeftBehind:
    """Finds duplicates that nobody would answer; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def originals(self, *, limit: int) -> list[RequestView]:
        """Return requests that have left open duplicates behind."""
        with translated():
            rows = await self._pool.fetch(_LEFT, State.STOPPING.value, limit)
        return [view(row) for row in rows]

    async def repeats(self, original: RequestId) -> list[RequestView]:
        """Return the open duplicates of a request."""
        with translated():
            rows = await self._pool.fetch(
                f"{VIEW} where r.duplicate_of = $1 and r.closed_at is null order by r.id", original
            )
        return [view(row) for row in rows]

    async def answer(self, original: RequestId, *, decide: Decide, tell: Tell, at: datetime) -> int:
        """End the open duplicates of a request that has ended, in one transaction."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                one = await locked(connection, original)
                repeats = await duplicates_of(connection, [original])
                if one is None or one.closed_at is None or not repeats:
                    return 0
                made = decide(await known(connection, list(repeats)))
                await write(connection, made, tell=tell, at=at)
        return len(made)

    async def set_free(
        self, original: RequestId, opened: Callable[[RequestView], Sequence[Outgoing]]
    ) -> Sequence[RequestView]:
        """Let the open duplicates of a request go their own way, in one transaction."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await locked(connection, original)
                free = await set_free(connection, original)
                await enqueue(connection, "intake", [told for one in free for told in opened(one)])
        return free
