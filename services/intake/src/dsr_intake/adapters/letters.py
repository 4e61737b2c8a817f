"""PostgreSQL: how letters to requesters stand."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg

from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_intake.adapters.audit import audited
from dsr_intake.adapters.closing import known, write
from dsr_intake.adapters.members import member_of
from dsr_intake.model import Letter, LetterKind, LettersStanding, LetterState, Member
from dsr_intake.ports import Decide, Tell
from dsr_runtime.postgres import translated

__all__ = ["PostgresLetters"]

_COLUMNS = "request_id, kind, number, state, tries, next_try_at, waiting_since, settled_at, reason, traceparent"


class PostgresLetters:
    """Keeps letters; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def claim(
        self, *, at: datetime, since: datetime, lease: timedelta, limit: int
    ) -> list[Letter]:
        """Return letters that are due, each to one caller until the lease is over."""
        # A lease and no lock that is held while mail is sent: a transaction that runs for so long
        # would hold back the feed of changes.
        with translated():
            rows = await self._pool.fetch(
                f"""
                update intake.letters l set tries = l.tries + 1, next_try_at = $2
                from (
                    select request_id, kind, number from intake.letters
                    where state = 'waiting' and next_try_at <= $1 and waiting_since <= $4
                    order by next_try_at limit $3 for update skip locked
                ) as due
                where (l.request_id, l.kind, l.number) = (due.request_id, due.kind, due.number)
                returning {", ".join(f"l.{one}" for one in _COLUMNS.split(", "))}
                """,
                at,
                at + lease,
                limit,
                since,
            )
        return sorted((_letter(row) for row in rows), key=lambda one: one.waiting_since)

    async def member(self, request_id: RequestId) -> Member | None:
        """Return a request's identity and key; none where it is destroyed."""
        return await member_of(self._pool, request_id)

    async def postpone(self, letter: Letter, *, until: datetime) -> None:
        """Have a letter that waits tried again later."""
        with translated():
            await self._pool.execute(
                """
                update intake.letters set next_try_at = $4
                where request_id = $1 and kind = $2 and number = $3 and state = 'waiting'
                """,
                letter.request_id,
                letter.kind.value,
                letter.number,
                until,
            )

    async def settle(
        self,
        letter: Letter,
        state: LetterState,
        *,
        reason: str | None,
        at: datetime,
        decide: Decide,
        tell: Tell,
    ) -> bool:
        """Record how a letter ended, and what follows for its request, in one transaction."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                found = await known(connection, [letter.request_id])
                status = await connection.execute(
                    """
                    update intake.letters
                    set state = $4, reason = $5, settled_at = $6, next_try_at = null
                    where request_id = $1 and kind = $2 and number = $3
                        and (state = 'waiting' or (state = 'bounced' and $4 = 'given_up'))
                    """,
                    letter.request_id,
                    letter.kind.value,
                    letter.number,
                    state.value,
                    reason,
                    at,
                )
                if status.endswith(" 0"):
                    return False
                action = f"letter.{state.value.replace('_', '-')}"
                await audited(
                    connection, action, [letter.request_id, letter.kind.value], reason or ""
                )
                await write(connection, decide(found), tell=tell, at=at)
        return True

    async def came_back(
        self, request_id: RequestId, kind: LetterKind, number: int, *, reason: str, at: datetime
    ) -> bool:
        """Record that a letter that was sent has come back; false where there is none."""
        with translated():
            status = await self._pool.execute(
                """
                update intake.letters
                set state = 'bounced', reason = $4, settled_at = $5, next_try_at = null
                where request_id = $1 and kind = $2 and number = $3 and state <> 'given_up'
                """,
                request_id,
                kind.value,
                number,
                reason,
                at,
            )
        return not status.endswith(" 0")

    async def again(self, letter: Letter, *, reason: str, at: datetime) -> None:
        """Have a letter that bounced tried again, as though it were new."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                status = await connection.execute(
                    """
                    update intake.letters l
                    set state = 'waiting', tries = 0, next_try_at = $4, waiting_since = $4,
                        settled_at = null, reason = null
                    where l.request_id = $1 and l.kind = $2 and l.number = $3
                        and l.state = 'bounced' and exists (
                            select from intake_keys.request_keys k
                            where k.request_id = l.request_id
                        )
                    """,
                    letter.request_id,
                    letter.kind.value,
                    letter.number,
                    at,
                )
                if not status.endswith(" 0"):
                    targets = [letter.request_id, letter.kind.value]
                    await audited(connection, "letter.send-again", targets, reason)
        if status.endswith(" 0"):
            detail = "a letter is sent again that has bounced, while the request is not answered"
            raise RuleViolation("not_bounced", detail)

    async def standing(self) -> list[LettersStanding]:
        """Return how many letters of each kind wait, and were given up."""
        with translated():
            rows = await self._pool.fetch(
                """
                select kind, count(*) filter (where state = 'waiting') as waiting,
                    min(waiting_since) filter (where state = 'waiting') as oldest,
                    count(*) filter (where state = 'given_up') as given_up
                from intake.letters where state in ('waiting', 'given_up') group by kind
                """
            )
        return [
            LettersStanding(LetterKind(row["kind"]), row["waiting"], row["oldest"], row["given_up"])
            for row in rows
        ]

    async def of(self, request_id: RequestId) -> list[Letter]:
        """Return a request's letters, the oldest first."""
        with translated():
            rows = await self._pool.fetch(
                f"select {_COLUMNS} from intake.letters where request_id = $1"
                " order by waiting_since, kind, number",
                request_id,
            )
        return [_letter(row) for row in rows]


def _letter(row: asyncpg.Record) -> Letter:
    return Letter(
        request_id=RequestId(str(row["request_id"])),
        kind=LetterKind(row["kind"]),
        number=row["number"],
        state=LetterState(row["state"]),
        tries=row["tries"],
        next_try_at=row["next_try_at"],
        waiting_since=row["waiting_since"],
        settled_at=row["settled_at"],
        reason=row["reason"],
        traceparent=row["traceparent"],
    )
