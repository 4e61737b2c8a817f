"""PostgreSQL: what is open, by its legal dates, for the console.

Both statements walk the index of open cohorts in the order of dates and stop at a bound; the server
ends them after two seconds, so that whoever looks never slows down who is served.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dsr_core.ids import RequestId
from dsr_core.lifecycle import State
from dsr_intake.adapters.reading import VIEW, seen, view
from dsr_intake.model import ListFilter, RequestView
from dsr_intake.model.console import DUE_WITHIN, DuePlace, OpenStanding
from dsr_intake.model.principals import Sight
from dsr_runtime.postgres import translated

__all__ = ["PostgresConsole"]

_COUNTED = 50_000
"""So many are counted at most."""

_PATIENCE_S = 2

_OPEN = ("c.answered_at is null", "r.answered_at is null")


class PostgresConsole:
    """Reads for the console; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], *, counted: int = _COUNTED) -> None:
        self._pool = pool
        self._counted = counted

    async def standing(self, sight: Sight, at: datetime) -> OpenStanding:
        """Count the open requests that are seen, up to a bound."""
        values: list[object] = [[float(one) for one in DUE_WITHIN], at, self._counted + 1]
        conditions = [*_OPEN, *seen(sight, values)]
        rows = await self._fetch(
            f"""
            select state, place, count(*)::bigint as requests, min(received_at) as oldest_at,
                (array_agg(id order by received_at))[1] as oldest_id
            from (
                select r.id, r.state, r.received_at,
                    case when c.clock_stopped then cardinality($1::float8[])
                        else width_bucket(extract(epoch from c.due_at - $2)::float8, $1::float8[])
                    end as place
                from intake.cohorts c join intake.subject_requests r on r.cohort_id = c.id
                where {" and ".join(conditions)} order by c.due_at limit $3
            ) found group by state, place
            """,
            values,
        )
        states: dict[State, int] = {}
        due = [0] * (len(DUE_WITHIN) + 1)
        for row in rows:
            state = State(row["state"])
            states[state] = states.get(state, 0) + row["requests"]
            due[row["place"]] += row["requests"]
        oldest = min(rows, key=lambda row: (row["oldest_at"], row["oldest_id"]), default=None)
        return OpenStanding(
            states=states,
            due=tuple(due),
            oldest_id=RequestId(str(oldest["oldest_id"])) if oldest else None,
            oldest_at=oldest["oldest_at"] if oldest else None,
            is_whole=sum(due) <= self._counted,
        )

    async def by_date(
        self, sight: Sight, wanted: ListFilter, *, after: DuePlace | None, limit: int
    ) -> list[RequestView]:
        """Return the next open requests."""
        values: list[object] = [limit]
        conditions = [*_OPEN, *seen(sight, values)]

        def where(condition: str, *given: object) -> None:
            names = []
            for one in given:
                values.append(one)
                names.append(f"${len(values)}")
            conditions.append(condition.format(*names))

        if after is not None:
            where(
                "c.due_at >= {0} and (c.due_at, r.id) > ({0}, {1})", after.due_at, after.request_id
            )
        if wanted.state is not None:
            where("r.state = {0}", wanted.state.value)
        if wanted.right is not None:
            where('c."right" = {0}', wanted.right.value)
        if wanted.jurisdiction is not None:
            where("c.jurisdiction = {0}", wanted.jurisdiction)
        rows = await self._fetch(
            f"{VIEW} where {' and '.join(conditions)} order by c.due_at, r.id limit $1", values
        )
        return [view(row) for row in rows]

    async def _fetch(self, statement: str, values: Sequence[object]) -> list[asyncpg.Record]:
        with translated():
            async with self._pool.acquire() as connection, connection.transaction(readonly=True):
                await connection.execute(f"set local statement_timeout = '{_PATIENCE_S}s'")
                return await connection.fetch(statement, *values)
