"""PostgreSQL: one-time codes, as far as they are kept."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from dsr_core.ids import RequestId
from dsr_core.lifecycle import State
from dsr_intake.model import Code, CodeLimits
from dsr_runtime.postgres import translated

__all__ = ["PostgresCodes"]

_ISSUE = """
    with allowed as (
        select r.id from intake.subject_requests r join intake.cohorts c on c.id = r.cohort_id
        where r.id = $1 and r.state = $2 and c.identifier_kinds = '{email}'
            and cardinality(r.lookup_hashes) = 1 and $3
    ), issued as (
        insert into intake.identity_codes as k (request_id, number, nonce, issued_at, expires_at,
            window_began_at, window_codes)
        select id, 1, $4, $5, $6, $5, 1 from allowed
        on conflict (request_id) do update
        set number = k.number + 1, nonce = excluded.nonce, issued_at = excluded.issued_at,
            expires_at = excluded.expires_at, tries = 0, used_at = null,
            window_began_at =
                case when k.window_began_at <= $8 then $5 else k.window_began_at end,
            window_codes = case when k.window_began_at <= $8 then 1 else k.window_codes + 1 end
        where k.issued_at <= $7 and (k.window_began_at <= $8 or k.window_codes < $9)
        returning request_id, number
    )
    insert into intake.letters (request_id, kind, number, state, next_try_at, waiting_since)
    select request_id, 'identity_needed', number, 'waiting', $5, $5 from issued
"""

_ATTEMPT = """
    update intake.identity_codes set tries = tries + 1
    where request_id = $1 and used_at is null and expires_at > $2 and tries < $3
    returning number, nonce, expires_at
"""


class PostgresCodes:
    """Keeps codes; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def issue(
        self,
        request_id: RequestId,
        code: Code,
        *,
        limits: CodeLimits,
        at: datetime,
        is_sent: bool,
    ) -> bool:
        """Make a code the newest of its request, and write its letter, in one statement."""
        with translated():
            status = await self._pool.execute(
                _ISSUE,
                request_id,
                State.AWAITING_IDENTITY.value,
                is_sent,
                code.nonce,
                at,
                code.expires_at,
                at - limits.pause,
                at - limits.window,
                limits.window_codes,
            )
        return not status.endswith(" 0")

    async def attempt(
        self, request_id: RequestId, *, limits: CodeLimits, at: datetime
    ) -> Code | None:
        """Count a try; return the code to compare with, or none."""
        with translated():
            row = await self._pool.fetchrow(_ATTEMPT, request_id, at, limits.tries)
        return _code(row) if row else None

    async def code(self, request_id: RequestId) -> Code | None:
        """Return the newest code of a request, if it is not used."""
        with translated():
            row = await self._pool.fetchrow(
                "select number, nonce, expires_at from intake.identity_codes"
                " where request_id = $1 and used_at is null",
                request_id,
            )
        return _code(row) if row else None


def _code(row: asyncpg.Record) -> Code:
    return Code(number=row["number"], nonce=row["nonce"], expires_at=row["expires_at"])
