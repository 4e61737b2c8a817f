"""Phases on PostgreSQL: two workers at one moment, the message in the outbox, and what readers see."""

from __future__ import annotations

import asyncio
import random
from typing import TypeAlias

import asyncpg
import httpx
from integration.verifier.meeting import Meeting
from unit.verifier.amending import CRM, MAILER
from unit.verifier.phasing import CRM_THEN_MAILER, a_cohort, confirmed, from_system, told
from unit.verifier.world import World, a_new_request_id, a_registry_view, amendment

from dsr_contracts.v1 import phases_pb2
from dsr_core.ids import CohortId
from dsr_wire.codec.amendments import LeftCohort
from dsr_wire.codec.phases import phase_confirmed_from_wire
from support.builders import NOW, days

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


async def test_the_last_two_members_at_the_same_moment_are_one_fact(
    pool: Pool, world: World
) -> None:
    for _ in range(25):
        home, members = await a_cohort(world)
        meeting = Meeting(pool, 2)
        workers = [World(meeting, a_registry_view()) for _ in members]
        tallies = await asyncio.gather(
            *(
                worker.record([from_system(CRM, one)])
                for worker, one in zip(workers, members, strict=True)
            )
        )
        assert [each for tally in tallies for each in confirmed(tally)] == [(home, 0)]


async def test_the_last_answer_and_the_leaving_of_another_at_the_same_moment_are_one_fact(
    pool: Pool, world: World
) -> None:
    for _ in range(25):
        home, (leaver, stays) = await a_cohort(world)
        left = amendment(leaver, LeftCohort(CohortId(leaver)), cohort_id=home)
        meeting = Meeting(pool, 2)
        one, other = (World(meeting, a_registry_view()) for _ in range(2))
        tallies = await asyncio.gather(one.record([from_system(CRM, stays)]), other.amend(left))
        assert [each for tally in tallies for each in confirmed(tally)] == [(home, 0)]


async def test_workers_that_confirm_cohorts_in_other_orders_do_not_deadlock(
    pool: Pool, world: World
) -> None:
    cohorts = [await a_cohort(world) for _ in range(20)]
    members = [one for _, ids in cohorts for one in ids]
    mixed = random.Random(7)
    meeting = Meeting(pool, 2)

    async def take(ids: list[str]) -> list[tuple[CohortId, int]]:
        records = [from_system(CRM, one) for one in mixed.sample(ids, len(ids))]
        return confirmed(await World(meeting, a_registry_view()).record(records))

    found = await asyncio.gather(take(members[::2]), take(members[1::2]))
    assert sorted(one for each in found for one in each) == sorted((home, 0) for home, _ in cohorts)


async def test_the_fact_is_in_the_outbox_with_the_transaction_that_made_it(
    pool: Pool, world: World
) -> None:
    await pool.execute("delete from verifier.outbox")
    home, ids = await a_cohort(world)
    await world.record([from_system(CRM, *ids)])
    (row,) = await pool.fetch("select * from verifier.outbox")
    assert (row["topic"], row["key"]) == ("dsr.phases.v1", home.encode())
    said = phase_confirmed_from_wire(phases_pb2.PhaseConfirmed.FromString(row["value"]))
    assert (said.cohort_id, said.phase) == (home, 0)


async def test_readers_see_who_waits_for_whom_and_who_was_told_at_its_date(
    client: httpx.AsyncClient, world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id, phases=CRM_THEN_MAILER)
    document = (await client.get(f"/v1/requests/{request_id}/obligations")).json()
    assert {one["system_id"]: one["phase"] for one in document["obligations"]} == {
        CRM: 0,
        MAILER: 1,
    }
    first, second = document["phases"]
    assert first["told_at"] is not None
    assert second == {"phase": 1, "told_at": None, "is_due": False, "confirmed_at": None}
    await world.opener.take([told(CohortId(request_id), 1, is_due=True, at=2)])
    await world.opener.take([told(CohortId(request_id), 1, at=3)])
    await world.record([from_system(CRM, request_id)])
    document = (await client.get(f"/v1/cohorts/{request_id}/missing")).json()
    first, second = document["phases"]
    assert first["confirmed_at"] is not None
    assert second["is_due"]
    assert second["told_at"].startswith(f"{NOW + days(2):%Y-%m-%dT%H:%M:%S}")


async def test_who_is_asked_at_once_shows_no_phases(
    client: httpx.AsyncClient, world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    document = (await client.get(f"/v1/requests/{request_id}/obligations")).json()
    assert document["phases"] == []
    assert {one["phase"] for one in document["obligations"]} == {0}
