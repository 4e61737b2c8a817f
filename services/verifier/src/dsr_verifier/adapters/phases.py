"""Phases of cohorts whose systems are asked one after another, as SQL over arrays.

A cohort of which all systems are asked at once has no row here, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from dsr_core.ids import CohortId, RequestId
from dsr_runtime.outbox import enqueue
from dsr_verifier.adapters.copies import IS_AWAITED
from dsr_verifier.adapters.dead_letters import SERVICE
from dsr_verifier.adapters.plans import Connection
from dsr_verifier.ports import LedgerRequest
from dsr_wire.codec.obligations import OpenedObligations, ToldPhase
from dsr_wire.codec.phases import ConfirmedPhase, phase_confirmed_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import PHASES

__all__ = ["advance", "begin", "leave", "phase_records", "tell", "waiting"]

_ADD = """
insert into verifier.phases (cohort_id, phase, told_at)
select n.* from unnest($1::uuid[], $2::smallint[], $3::timestamptz[])
    as n (cohort_id, phase, told_at)
order by n.cohort_id, n.phase
on conflict do nothing
"""
# What was told and confirmed of the home cohort was of the request as well, until it left.
_LEAVE = """
insert into verifier.phases (cohort_id, phase, told_at, is_due, confirmed_at)
select n.cohort_id, p.phase, p.told_at, p.is_due, p.confirmed_at
from unnest($1::uuid[], $2::uuid[]) as n (cohort_id, home_cohort_id)
join verifier.phases p on p.cohort_id = n.home_cohort_id
order by n.cohort_id, p.phase
on conflict do nothing
"""
_TELL = """
insert into verifier.phases as p (cohort_id, phase, told_at, is_due)
select n.* from unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::boolean[])
    as n (cohort_id, phase, told_at, is_due)
order by n.cohort_id, n.phase
on conflict (cohort_id, phase) do update set
    told_at = excluded.told_at, is_due = excluded.is_due where p.told_at is null
"""
_LOCK = """
select cohort_id, phase from verifier.phases
where cohort_id = any($1::uuid[]) and confirmed_at is null
order by cohort_id, phase for update
"""
# The limits have it stop at the first obligation that is open: mostly the first that it looks at.
_DONE = f"""
select n.cohort_id from unnest($1::uuid[], $2::smallint[]) as n (cohort_id, phase)
left join lateral (
    select true as is_open
    from verifier.requests r join verifier.plans l using (plan_id)
    cross join lateral unnest(l.system_ids, l.phases) as s (system_id, phase)
    where r.cohort_id = n.cohort_id and r.closed_at is null
    and coalesce(s.phase, 0) <= n.phase
    and not exists (
        select from verifier.obligations o
        where o.request_id = r.request_id and o.system_id = s.system_id and o.is_confirmed)
    limit 1) as owed on true
where owed.is_open is null and exists (
    select from verifier.requests r where r.cohort_id = n.cohort_id and r.closed_at is null)
and not exists (
    select from verifier.requests r join verifier.awaited a on a.request_id = r.request_id
    left join verifier.requests x on x.request_id = a.awaited_id
    where r.cohort_id = n.cohort_id and r.closed_at is null and {IS_AWAITED})
"""
_AWAIT = """
insert into verifier.awaited (awaited_id, request_id)
select n.* from unnest($1::uuid[], $2::uuid[]) as n (awaited_id, request_id)
order by n.awaited_id, n.request_id
on conflict do nothing
"""
_WAITING = """
select distinct r.cohort_id from verifier.awaited a join verifier.requests r using (request_id)
where a.awaited_id = any($1::uuid[]) and r.closed_at is null
"""
_CONFIRM = """
update verifier.phases p set confirmed_at = $3
from unnest($1::uuid[], $2::smallint[]) as n (cohort_id, phase)
where p.cohort_id = n.cohort_id and p.phase = n.phase
"""


async def begin(connection: Connection, opened: Sequence[OpenedObligations]) -> None:
    """Write the phases of cohorts that have several, and what they wait for; the first counts as told."""
    rows = [
        (one.cohort_id, phase, one.opened_at if phase == 0 else None)
        for one in opened
        if one.phases
        for phase in range(max(one.phases.values()) + 1)
    ]
    if rows:
        await connection.execute(_ADD, *(list(column) for column in zip(*rows, strict=True)))
    awaited = [
        (other, request_id)
        for one in opened
        for other in one.after
        for request_id in one.request_ids
    ]
    if awaited:
        await connection.execute(_AWAIT, *(list(column) for column in zip(*awaited, strict=True)))


async def waiting(connection: Connection, over: Collection[RequestId]) -> list[CohortId]:
    """Return the cohorts that wait for any of these requests, the open ones."""
    rows = await connection.fetch(_WAITING, list(over))
    return [CohortId(str(row["cohort_id"])) for row in rows]


async def leave(connection: Connection, requests: Collection[LedgerRequest]) -> None:
    """Write the phases of requests that have left their cohort, as they were at that moment."""
    left = [one for one in requests if one.phases and one.cohort_id != one.home_cohort_id]
    if left:
        await connection.execute(
            _LEAVE, [one.cohort_id for one in left], [one.home_cohort_id for one in left]
        )


async def tell(connection: Connection, told: Sequence[ToldPhase]) -> None:
    """Write that phases are told; of one that was told twice, the first time stays."""
    first: dict[tuple[CohortId, int], ToldPhase] = {}
    for one in told:
        first.setdefault((one.cohort_id, one.phase), one)
    await connection.execute(
        _TELL,
        [cohort_id for cohort_id, _ in first],
        [phase for _, phase in first],
        [one.told_at for one in first.values()],
        [one.is_due for one in first.values()],
    )


async def advance(
    connection: Connection, cohort_ids: Collection[CohortId], at: datetime, schema: str
) -> list[ConfirmedPhase]:
    """Write which phases are confirmed now, with their message; return the new ones."""
    waiting: dict[CohortId, list[int]] = {}
    for row in await connection.fetch(_LOCK, list(cohort_ids)):
        waiting.setdefault(CohortId(str(row["cohort_id"])), []).append(row["phase"])
    found: list[ConfirmedPhase] = []
    asked = _lowest(waiting)
    while asked:
        columns = list(asked), list(asked.values())
        done = [CohortId(str(row[0])) for row in await connection.fetch(_DONE, *columns)]
        found.extend(
            ConfirmedPhase(cohort_id=one, phase=asked[one], confirmed_at=at) for one in done
        )
        asked = _lowest({one: waiting[one][1:] for one in done})
        waiting = {one: waiting[one][1:] for one in done}
    if found:
        await connection.execute(
            _CONFIRM, [one.cohort_id for one in found], [one.phase for one in found], at
        )
        await enqueue(connection, schema, phase_records(found))
    return found


def phase_records(confirmed: Sequence[ConfirmedPhase]) -> list[Outgoing]:
    """Return the messages that tell of phases; a phase is confirmed once, and names its event."""
    return [
        encode(
            phase_confirmed_to_wire(one),
            topic=PHASES.name,
            key=one.cohort_id,
            event_id=f"{one.cohort_id}/phase/{one.phase}",
            source=SERVICE,
            at=one.confirmed_at,
        )
        for one in confirmed
    ]


def _lowest(waiting: Mapping[CohortId, Sequence[int]]) -> dict[CohortId, int]:
    """Return the first phase of each that is not confirmed, the last phase apart."""
    return {one: phases[0] for one, phases in waiting.items() if len(phases) > 1}
