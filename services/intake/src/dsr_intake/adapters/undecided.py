"""PostgreSQL: appeals that nobody has decided, and which of their tiers have passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import asyncpg

from dsr_core.ids import RequestId
from dsr_core.law.rules import TierAction
from dsr_core.lifecycle import State
from dsr_intake.adapters.decisions import locked
from dsr_intake.adapters.reading import VIEW, view
from dsr_intake.model import RequestView
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated
from dsr_wire.envelope import Outgoing

__all__ = ["PostgresUndecided"]

_WAITING = f"""
    select v.*, array(
        select t.action from intake.appeal_tiers t where t.request_id = v.id
    ) as passed
    from ({VIEW} where r.state = 'awaiting_decision' and ($1::uuid is null or r.id > $1)) v
    order by v.id limit $2
"""


class PostgresUndecided:
    """Keeps the tiers of appeals; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def undecided(
        self, *, after: str | None, limit: int
    ) -> list[tuple[RequestView, tuple[TierAction, ...]]]:
        """Return appeals that wait, each with what was done of its tiers."""
        with translated():
            rows = await self._pool.fetch(_WAITING, after, limit)
        return [(view(row), tuple(TierAction(one) for one in row["passed"])) for row in rows]

    async def passed(
        self,
        request_id: RequestId,
        actions: Sequence[TierAction],
        tell: Callable[[TierAction], Outgoing],
        *,
        at: datetime,
    ) -> list[TierAction]:
        """Record tiers that have come, and tell of those that are new."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                one = await locked(connection, request_id)
                if one is None or one.state is not State.AWAITING_DECISION:
                    return []
                rows = await connection.fetch(
                    """
                    insert into intake.appeal_tiers (request_id, action, passed_at)
                    select $1, action, $3 from unnest($2::text[]) as a (action)
                    on conflict do nothing returning action
                    """,
                    request_id,
                    [action.value for action in actions],
                    at,
                )
                new = {TierAction(row["action"]) for row in rows}
                fresh = [action for action in actions if action in new]
                await enqueue(connection, "intake", [tell(action) for action in fresh])
        return fresh
