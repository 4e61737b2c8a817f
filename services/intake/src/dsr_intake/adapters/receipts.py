"""PostgreSQL: letters of receipt that are not sent."""

from __future__ import annotations

import asyncpg

from dsr_core.ids import RequestId
from dsr_intake.adapters.reading import VIEW, view
from dsr_intake.model import Letter, LetterKind, LetterState, RequestView
from dsr_runtime.postgres import translated

__all__ = ["PostgresReceipts"]

_UNSENT = f"""
    select v.*, l.number, l.state as letter_state, l.tries, l.next_try_at, l.waiting_since,
        l.settled_at, l.reason
    from ({VIEW} where r.answered_at is null) v join intake.letters l on l.request_id = v.id
    where l.kind = 'received' and l.state <> 'sent' and ($1::uuid is null or l.request_id > $1)
    order by l.request_id limit $2
"""


class PostgresReceipts:
    """Finds letters of receipt by an index of their own; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def unsent(self, *, after: str | None, limit: int) -> list[tuple[RequestView, Letter]]:
        """Return requests that are not answered, each with its letter of receipt that is not sent."""
        with translated():
            rows = await self._pool.fetch(_UNSENT, after, limit)
        return [(view(row), _letter(row)) for row in rows]


def _letter(row: asyncpg.Record) -> Letter:
    return Letter(
        request_id=RequestId(str(row["id"])),
        kind=LetterKind.RECEIVED,
        number=row["number"],
        state=LetterState(row["letter_state"]),
        tries=row["tries"],
        next_try_at=row["next_try_at"],
        waiting_since=row["waiting_since"],
        settled_at=row["settled_at"],
        reason=row["reason"],
    )
