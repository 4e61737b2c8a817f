"""PostgreSQL: answering the requests that are closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias

import asyncpg

from dsr_core import tracing
from dsr_core.closing import Outcome
from dsr_core.errors import Unavailable
from dsr_core.ids import CohortId, RequestId
from dsr_core.lifecycle import State
from dsr_core.rights import RIGHTS, Right
from dsr_intake.adapters.duplicates import duplicates_of
from dsr_intake.adapters.hand_overs import want_hand_overs
from dsr_intake.adapters.suppressions import list_ended
from dsr_intake.deferral import Deferred
from dsr_intake.model import Answer, Known
from dsr_intake.model.packages import WantedPackage
from dsr_intake.model.promises import Promise
from dsr_intake.ports import Alike, Decide, Tell
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated

__all__ = ["PostgresClosing", "known", "write", "write_letters"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


class PostgresClosing:
    """Closes and answers requests; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def answer(
        self,
        request_ids: Sequence[RequestId],
        *,
        decide: Decide,
        tell: Tell,
        at: datetime,
        alike: Alike | None = None,
        deferred: Sequence[Deferred] = (),
        packages: Mapping[RequestId, WantedPackage] = MappingProxyType({}),
    ) -> tuple[int, list[RequestId]]:
        """Write in one transaction: outcome, then key, then cohort, then what is told of it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                found = await known(connection, request_ids)
                made = decide(found)
                if alike is not None and made:
                    made += await _duplicates(connection, made, alike)
                await write(connection, made, tell=tell, at=at)
                handing = [one.request_id for one in made if _hands_over(one)]
                if handing:
                    await want_hand_overs(connection, handing, at=at)
                changed = {one.request_id for one in made}
                await _defer(connection, [one for one in deferred if one.request_id in changed])
                wanted = {one: said for one, said in packages.items() if one in changed}
                await _want(connection, wanted, at)
        return len(made), [one for one in request_ids if one not in found]


def _hands_over(one: Answer) -> bool:
    return one.promise is not None and RIGHTS[one.promise.right].hands_over


async def _duplicates(
    connection: _Connection, made: Sequence[Answer], alike: Alike
) -> list[Answer]:
    originals = {one.request_id: one for one in made}
    repeats = await duplicates_of(connection, list(originals))
    found = await known(connection, list(repeats)) if repeats else {}
    return [alike(originals[repeats[key]], key, one) for key, one in found.items()]


async def known(
    connection: _Connection, request_ids: Sequence[RequestId]
) -> dict[RequestId, Known]:
    """Return those of the requests that exist, locked until the transaction's end."""
    rows = await connection.fetch(
        """
        select id, cohort_id, state, letters, outcome, closed_at, received_at, accepted_at
        from intake.subject_requests where id = any($1::uuid[]) order by id for update
        """,
        request_ids,
    )
    cohorts = await _cohorts(connection, rows)
    return {
        RequestId(str(row["id"])): Known(
            CohortId(str(row["cohort_id"])),
            State(row["state"]),
            letters=row["letters"],
            outcome=Outcome(row["outcome"]) if row["outcome"] else None,
            closed_at=row["closed_at"],
            promise=_promise(row, cohorts[row["cohort_id"]]),
        )
        for row in rows
    }


async def _cohorts(
    connection: _Connection, rows: Sequence[asyncpg.Record]
) -> dict[object, asyncpg.Record]:
    # After the lock: a request may have left for another cohort while it was waited for.
    found = await connection.fetch(
        'select id, "right", regime, due_at, clock_stopped from intake.cohorts where id = any($1::uuid[])',
        list({row["cohort_id"] for row in rows}),
    )
    return {row["id"]: row for row in found}


def _promise(row: asyncpg.Record, cohort: asyncpg.Record) -> Promise:
    return Promise(
        Right(cohort["right"]),
        cohort["regime"],
        row["received_at"],
        row["accepted_at"],
        None if cohort["clock_stopped"] else cohort["due_at"],
    )


async def write(
    connection: _Connection, made: Sequence[Answer], *, tell: Tell, at: datetime
) -> None:
    """Write what becomes of requests that are locked, and what is told of it, in their transaction."""
    if not made:
        return
    await list_ended(connection, [one for one in made if not one.was_closed], at=at)
    await _drop_partial(connection, [one for one in made if not one.was_closed])
    await _record_outcomes(connection, made)
    await write_letters(connection, [one for one in made if one.letter is not None], at)
    over = [one for one in made if one.answered_at is not None]
    await _destroy_keys(connection, over)
    await enqueue(connection, "intake", tell(made, await _count_down(connection, over, at)))


async def _record_outcomes(connection: _Connection, made: Sequence[Answer]) -> None:
    await connection.execute(
        """
        update intake.subject_requests r
        set state = a.state, outcome = a.outcome, closed_at = a.closed_at,
            answered_at = a.answered_at,
            identity_ciphertext =
                case when a.answered_at is null then r.identity_ciphertext end,
            suppression_digests = '{}',
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


async def write_letters(connection: _Connection, made: Sequence[Answer], at: datetime) -> None:
    """Write the letters of answers that have one."""
    if not made:
        return
    await connection.execute(
        """
        insert into intake.letters
            (request_id, kind, state, next_try_at, waiting_since, traceparent)
        select id, kind, 'waiting', $3, $3, traceparent
        from unnest($1::uuid[], $2::text[], $4::text[]) as l (id, kind, traceparent)
        """,
        [one.request_id for one in made],
        [one.letter.value for one in made if one.letter is not None],
        at,
        [tracing.of_request(one.request_id) for one in made],
    )


async def _destroy_keys(connection: _Connection, over: Sequence[Answer]) -> None:
    # What a request was opened from goes with it, as a key does.
    await connection.execute(
        """
        with opened_from as (
            delete from intake.deferred_notices where follow_up_id = any($1::uuid[])
        )
        delete from intake_keys.request_keys where request_id = any($1::uuid[])
        """,
        [one.request_id for one in over],
    )


async def _drop_partial(connection: _Connection, closed: Sequence[Answer]) -> None:
    # What is not made by now is not made any more: the closing wants a whole one, or none.
    await connection.execute(
        """
        delete from intake.packages
        where request_id = any($1::uuid[]) and is_partial and state = 'waiting'
        """,
        [one.request_id for one in closed],
    )


async def _want(
    connection: _Connection, packages: Mapping[RequestId, WantedPackage], at: datetime
) -> None:
    if not packages:
        return
    rows = await connection.fetch(
        """
        insert into intake.packages (
            request_id, ledger, wanted_at, next_try_at, number, traceparent)
        select n.request_id, n.ledger, $4, $4, n.number, n.traceparent
        from unnest($1::uuid[], $2::text[], $3::integer[], $5::text[])
            as n (request_id, ledger, number, traceparent)
        where n.number = 1 + (
            select count(*) from intake.packages p where p.request_id = n.request_id
        )
        returning request_id
        """,
        list(packages),
        [one.ledger for one in packages.values()],
        [one.number for one in packages.values()],
        at,
        [tracing.of_request(one) for one in packages],
    )
    if len(rows) < len(packages):
        raise Unavailable("a partial package was made while its request was being closed")


async def _defer(connection: _Connection, deferred: Sequence[Deferred]) -> None:
    if not deferred:
        return
    await connection.executemany(
        """
        insert into intake.deferred_notices (follow_up_id, request_id, system_id, key_id, sealed_key,
            place_ids, sealed, categories, grounds, review_at, next_try_at, why)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)
        """,
        [
            (
                one.follow_up_id,
                one.request_id,
                one.system_id,
                one.key_id,
                one.sealed_key,
                [place.request_id for place in one.places],
                [place.sealed for place in one.places],
                one.categories,
                one.grounds,
                one.review_at,
                one.why.value,
            )
            for one in deferred
        ],
    )


async def _count_down(
    connection: _Connection, over: Sequence[Answer], at: datetime
) -> list[CohortId]:
    if not over:
        return []
    counts = sorted(Counter(one.cohort_id for one in over).items())
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
