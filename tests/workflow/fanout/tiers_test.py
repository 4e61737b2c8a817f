"""Tiers: what is done as the legal date comes near, over weeks that pass in seconds."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio.testing import WorkflowEnvironment
from workflow.fanout.cohort_world import World, a_world, counted, events

from dsr_contracts.v1 import escalations_pb2
from dsr_core.law.rules import TierAction
from dsr_fanout.orders import Order, Tier
from dsr_fanout.workflows.cohort import CohortWorkflow
from dsr_wire.codec.escalations import Escalation, escalation_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import ESCALATIONS
from support.waiting import eventually

PARTS = (
    (0.5, TierAction.REMIND_SYSTEMS),
    (0.75, TierAction.ESCALATE_TO_ORGANISATION),
    (0.9, TierAction.ESCALATE_TO_PRIVACY_OFFICE),
    (1.0, TierAction.RECORD_BREACH),
)


def tiers(received_at: datetime, due_at: datetime) -> list[Tier]:
    whole = due_at - received_at
    return [Tier(action=action.value, at=received_at + whole * part) for part, action in PARTS]


async def an_order(world: World, *, received: timedelta = timedelta()) -> Order:
    """A cohort that was received so long ago, and is due thirty days after that."""
    now = await world.environment.get_current_time()
    received_at = now - received
    due_at = received_at + timedelta(days=30)
    order = await world.an_order(
        received_at=received_at, due_at=due_at, tiers=tiers(received_at, due_at)
    )
    world.ledger.owed = {"crm": tuple(order.request_ids)}
    return order


def escalated(world: World) -> list[Escalation]:
    return [
        escalation_from_wire(decode(one.value, one.headers, escalations_pb2.Escalation))
        for one in world.publisher.records
        if one.topic == ESCALATIONS.name
    ]


async def told(handle: object, text: str) -> bool:
    return text in await handle.query(CohortWorkflow.progress)  # type: ignore[attr-defined] # a handle


async def test_each_tier_comes_at_its_part_of_the_time_and_names_who_is_missing(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await an_order(world)
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        await skipping.sleep(timedelta(days=16))
        await eventually(lambda: set(world.publisher.asked(1)) == {"crm"})
        assert escalated(world) == []
        await skipping.sleep(timedelta(days=15))
        await eventually(lambda: told(handle, "overdue"))
        world.answer(order)
        ended = await handle.result()

    assert [one.action for one in escalated(world)] == [action for _, action in PARTS[1:]]
    assert {system.system_id for one in escalated(world) for system in one.missing} == {"crm"}
    assert (ended.reminders, ended.was_overdue) == (1, True)


async def test_a_cohort_that_is_answered_before_its_first_tier_costs_no_event_more(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await an_order(world)
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()
        history = await events(handle)

    assert len(history) <= 13, counted(history)


async def test_who_has_confirmed_meanwhile_is_not_blamed(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping) as world:
        order = await an_order(world)
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        await skipping.sleep(timedelta(days=16))
        world.ledger.owed = {"mailer": tuple(order.request_ids)}
        await skipping.sleep(timedelta(days=7))
        await eventually(lambda: escalated(world))
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()

    assert [one.system_id for one in escalated(world)[0].missing] == ["mailer"]


async def test_a_tier_that_cannot_be_told_is_told_later_and_holds_up_no_answer(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await an_order(world)
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        await skipping.sleep(timedelta(days=16))
        await eventually(lambda: world.publisher.asked(1))
        await skipping.sleep(timedelta(days=6, hours=11, minutes=55))
        world.ledger.away.is_away = True
        await skipping.sleep(timedelta(minutes=10))
        await eventually(lambda: told(handle, "held up at tell_tier"))
        world.ledger.away.is_away = False
        await skipping.sleep(timedelta(minutes=10))
        await eventually(lambda: escalated(world))
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()

    assert [one.action for one in escalated(world)] == [TierAction.ESCALATE_TO_ORGANISATION]


async def test_tiers_that_had_passed_before_the_notice_give_the_systems_an_hour(
    skipping: WorkflowEnvironment,
) -> None:
    """A letter that was entered late: nobody is reminded, or told of, the moment it is asked."""
    async with a_world(skipping) as world:
        order = await an_order(world, received=timedelta(days=28))
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        await skipping.sleep(timedelta(minutes=50))
        assert (world.publisher.asked(1), escalated(world)) == ({}, [])
        await skipping.sleep(timedelta(minutes=15))
        await eventually(lambda: len(escalated(world)) == 2)
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        ended = await handle.result()

    assert ended.reminders == 1
