"""PostgreSQL: appeals that nobody has decided, and which of their tiers have passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import asyncpg

from dsr_core.ids import RequestId
from dsr_core.law.rules import Tier, TierAction
from dsr_core.lifecycle import State
from dsr_intake.adapters.decisions import locked
from dsr_intake.adapters.reading import VIEW, view
from dsr_intake.model import RequestView
from dsr_intake.model.tiers import PassedTier
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated
from dsr_wire.envelope import Outgoing

__all__ = ["PostgresUndecided"]

_WAITING = f"""
    select v.*, array(
        select row(t.action, t.percent, t.passed_at)
        from intake.appeal_tiers t where t.request_id = v.id
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
    ) -> list[tuple[RequestView, tuple[PassedTier, ...]]]:
        """Return appeals that wait, each with what was done of its tiers."""
        with translated():
            rows = await self._pool.fetch(_WAITING, after, limit)
        return [(view(row), tuple(_passed(*one) for one in row["passed"])) for row in rows]

    async def passed(
        self,
        request_id: RequestId,
        tiers: Sequence[Tier],
        tell: Callable[[Tier], Outgoing],
        *,
        at: datetime,
    ) -> list[Tier]:
        """Record tiers that have come, and tell of those that are new."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                one = await locked(connection, request_id)
                if one is None or one.state is not State.AWAITING_DECISION:
                    return []
                rows = await connection.fetch(
                    """
                    insert into intake.appeal_tiers (request_id, action, percent, passed_at)
                    select $1, action, percent, $4
                    from unnest($2::text[], $3::smallint[]) as a (action, percent)
                    on conflict do nothing returning action, percent
                    """,
                    request_id,
                    [one.action.value for one in tiers],
                    [one.percent for one in tiers],
                    at,
                )
                new = {(TierAction(row["action"]), row["percent"]) for row in rows}
                fresh = [one for one in tiers if (one.action, one.percent) in new]
                await enqueue(connection, "intake", [tell(one) for one in fresh])
        return fresh


def _passed(action: str, percent: int, passed_at: datetime) -> PassedTier:
    return PassedTier(TierAction(action), percent, passed_at)
