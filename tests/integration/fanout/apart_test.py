"""A request that is set apart, on the real Kafka and Temporal: one workflow, whatever comes in which order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from integration.fanout.neighbours import Neighbours
from integration.fanout.running import Service, new_id, running
from temporalio.client import WorkflowExecutionStatus

from dsr_cli.stack import Stack
from dsr_core.closing import Outcome
from dsr_core.law.rules import TierAction
from dsr_core.plan import plan
from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.codec.commands import DeadlineExtended
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced, Stopped
from dsr_wire.codec.notices import Instruction
from dsr_wire.codec.requests import AcceptedCohort, DatedTier, cohort_accepted_to_wire
from dsr_wire.topics import REQUESTS
from support.waiting import eventually


@pytest.fixture(scope="module")
async def neighbours() -> AsyncIterator[Neighbours]:
    async with Neighbours() as running:
        yield running


@pytest.fixture(scope="module")
async def service(
    stack: Stack, neighbours: Neighbours, kafka: KafkaConnection, registry: Registry
) -> AsyncIterator[Service]:
    async with running(stack, neighbours, kafka, registry) as service:
        yield service


async def amended(service: Service, home: AcceptedCohort, count: int) -> list[str | None]:
    """Return the ledger's events of a cohort once it is amended so often."""

    async def found() -> list[str | None]:
        ids = await service.obligations(home)
        return ids if sum("/amended/" in str(one) for one in ids) >= count else []

    # The first of this module waits until fanout has its partitions, after all that came before.
    return await eventually(found, within=60)


async def ends(service: Service, *cohorts: AcceptedCohort) -> None:
    """Have cohorts answered, and see each end as the one workflow that there ever was for it."""
    for one in cohorts:
        await service.answer(one)
    for one in cohorts:
        await eventually(lambda one=one: service.ended(one))
        # Temporal's list is a moment behind.
        await eventually(lambda one=one: _is_one(service, one))


async def _is_one(service: Service, cohort: AcceptedCohort) -> bool:
    runs = await service.runs(cohort)
    assert runs <= 1
    return runs == 1


async def test_a_member_leaves_and_both_workflows_see_theirs_to_the_end(service: Service) -> None:
    home = await service.accept(members=3)
    _, leaver, _ = home.request_ids
    alone = replace(service.leave(home, leaver), due_at=home.due_at + timedelta(days=60))
    await service.decide(home, alone, DeadlineExtended())
    ids = await amended(service, home, 2)
    assert sorted(map(str, ids)) == sorted(
        [
            f"{home.cohort_id}/opened",
            f"{leaver}/amended/1/left_cohort",
            f"{leaver}/amended/1/deadline_extended",
        ]
    )
    assert await service.status(alone) is WorkflowExecutionStatus.RUNNING

    async def told() -> set[str]:
        notices = await service.notices(home)
        return {i.request_id for n in notices for s in n.systems for i in s.identities}

    await eventually(lambda: _all_told(service, home))
    assert leaver in await told(), "the home cohort's first notice is for leavers too"
    await ends(service, home, alone)


async def _all_told(service: Service, home: AcceptedCohort) -> bool:
    notices = await service.notices(home)
    told = {i.request_id for n in notices for s in n.systems for i in s.identities}
    return told == set(home.request_ids)


async def test_a_command_that_is_delivered_again_changes_nothing(service: Service) -> None:
    home = await service.accept(members=2)
    alone = service.leave(home, home.request_ids[1])
    for _ in range(3):
        await service.decide(home, alone, Stopped(Outcome.WITHDRAWN))
    await amended(service, home, 2)
    await eventually(lambda: _stopped(service, home))
    await service.decide(home, alone, Stopped(Outcome.WITHDRAWN))
    await ends(service, home, alone)
    await service.decide(home, alone, Stopped(Outcome.WITHDRAWN))

    async def counted() -> bool:
        return await service.metric('dsr_fanout_commands_total{outcome="ended"}') >= 1

    await eventually(counted)
    ids = [one for one in await service.obligations(home) if "/amended/" in str(one)]
    assert len(ids) == len(set(ids)) == 2
    stops = [n.notice_id for n in await service.notices(home) if n.instruction is Instruction.STOP]
    assert len(stops) == len(set(stops))
    assert await service.runs(alone) == 1


async def _stopped(service: Service, home: AcceptedCohort) -> bool:
    return any(one.instruction is Instruction.STOP for one in await service.notices(home))


async def test_a_command_before_its_cohort_of_one_has_it_opened_once(service: Service) -> None:
    cohort = service.a_cohort()
    await service.decide(cohort, cohort, Stopped(Outcome.WITHDRAWN))
    await amended(service, cohort, 1)
    began = await service.run_id(cohort)
    await service.say(cohort_accepted_to_wire(cohort), REQUESTS, cohort.cohort_id)
    last = await service.accept()  # behind it, in the same stream
    await eventually(lambda: _runs(service, last))
    assert await service.run_id(cohort) == began
    ids = await service.obligations(cohort)
    assert ids == [f"{cohort.cohort_id}/opened", f"{cohort.cohort_id}/amended/1/stopped"]
    await ends(service, cohort, last)


async def _runs(service: Service, cohort: AcceptedCohort) -> bool:
    return await service.status(cohort) is not None


async def test_a_command_before_its_home_cohort_waits_for_nothing_and_opens_nothing(
    service: Service,
) -> None:
    home = service.a_cohort(members=2)
    alone = service.leave(home, home.request_ids[0])
    await service.decide(home, alone, HoldPlaced(new_id()))
    ids = await amended(service, home, 2)
    assert not [one for one in ids if str(one).endswith("/opened")]
    await service.say(cohort_accepted_to_wire(home), REQUESTS, home.cohort_id)
    await eventually(lambda: _all_told(service, home))
    ids = await service.obligations(home)
    assert [one for one in ids if str(one).endswith("/opened")] == [f"{home.cohort_id}/opened"]
    await ends(service, home, alone)


async def test_two_commands_in_reverse_order_are_taken_in_theirs(service: Service) -> None:
    home = await service.accept(members=2)
    alone = service.leave(home, home.request_ids[1])
    hold_id = new_id()
    await service.decide(home, alone, HoldLifted(hold_id), revision=2)
    await eventually(lambda: _runs(service, alone))
    await service.decide(home, alone, HoldPlaced(hold_id), revision=1)
    ids = await amended(service, home, 3)
    leaver = alone.cohort_id
    assert [one for one in ids if "/amended/" in str(one)] == [
        f"{leaver}/amended/1/left_cohort",
        f"{leaver}/amended/1/hold_placed",
        f"{leaver}/amended/2/hold_lifted",
    ]
    await ends(service, home, alone)


async def test_a_stop_that_nobody_answers_is_given_up_at_its_date(service: Service) -> None:
    home = await service.accept(members=2)
    leaver = home.request_ids[1]
    due_at = datetime.now(UTC) + timedelta(seconds=4)
    alone = replace(
        service.leave(home, leaver),
        due_at=due_at,
        tiers=(DatedTier(TierAction.RECORD_BREACH, due_at),),
    )
    await service.decide(home, alone, Stopped(Outcome.REFUSED))
    await eventually(lambda: leaver in service.neighbours.given_up)
    await eventually(lambda: service.ended(alone))
    await ends(service, home)


async def test_a_stop_reaches_the_systems_that_a_hold_covers(service: Service) -> None:
    home = await service.accept(members=2)
    leaver = home.request_ids[1]
    alone = service.leave(home, leaver)
    missing, held = (
        one.id
        for one in plan(service.registry, home.right, home.scope, received_at=home.received_at)[:2]
    )
    service.neighbours.missing[leaver] = {missing: [leaver]}
    service.neighbours.held[leaver] = {held: [leaver]}
    await service.decide(home, alone, HoldPlaced(new_id(), (held,)))
    await service.decide(home, alone, Stopped(Outcome.WITHDRAWN), revision=2)

    async def told() -> bool:
        stops = [n for n in await service.notices(home) if n.instruction is Instruction.STOP]
        return {one.system_id for n in stops for one in n.systems} == {missing, held}

    await eventually(told)
    await ends(service, home, alone)
