"""PostgreSQL: how many requests are open, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dsr_intake.model.promises import OpenRequests
from dsr_runtime.postgres import translated

__all__ = ["PostgresStanding"]


class PostgresStanding:
    """Counts what is open; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def open_requests(self, bounds: Sequence[float], at: datetime) -> list[OpenRequests]:
        """Read the open cohorts, by their index: some microseconds each.

        One whose clock stands still has no date: it is counted beyond the last bound.
        """
        with translated():
            rows = await self._pool.fetch(
                """
                select "right", regime, sum(open_members)::bigint as members,
                    min(received_at) as oldest,
                    case when clock_stopped then cardinality($1::float8[])
                        else width_bucket(extract(epoch from due_at - $2)::float8, $1::float8[])
                    end as place
                from intake.cohorts where answered_at is null and open_members > 0
                group by "right", regime, place
                """,
                list(bounds),
                at,
            )
        return [
            OpenRequests(row["right"], row["regime"], row["place"], row["members"], row["oldest"])
            for row in rows
        ]
