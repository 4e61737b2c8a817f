"""A cohort that awaits the proof of who asks: nobody is told before, and it ends where none comes."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from workflow.fanout.cohort_world import World, a_world

from dsr_fanout.orders import Ended, Order, Tier, Verified
from dsr_fanout.workflows.cohort import CohortWorkflow
from support.waiting import eventually

WAIT = timedelta(days=30)


async def awaiting(world: World) -> tuple[Order, WorkflowHandle[CohortWorkflow, Ended]]:
    now = await world.environment.get_current_time()
    order = await world.an_order(due_at=now + WAIT, verify_identity_by=now + WAIT)
    handle = await world.start(order)
    await eventually(lambda: told(handle, "waiting for the proof"))
    return order, handle


async def told(handle: WorkflowHandle[CohortWorkflow, Ended], text: str) -> bool:
    return text in await handle.query(CohortWorkflow.progress)


async def proven(order: Order, handle: WorkflowHandle[CohortWorkflow, Ended]) -> Verified:
    due_at = order.due_at + timedelta(days=10)
    verified = Verified(due_at=due_at, tiers=[Tier(action="record_breach", at=due_at)])
    await handle.signal(CohortWorkflow.identity_verified, verified)
    return verified


async def test_nobody_is_told_before_the_proof_and_all_are_after_it_with_the_new_date(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order, handle = await awaiting(world)
        assert world.publisher.records == []
        verified = await proven(order, handle)
        await eventually(lambda: len(world.publisher.asked(0)) == 3)
        [opened] = world.publisher.opened
        assert opened.due_at == verified.due_at
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        assert (await handle.result()).systems == 3
    assert world.intake.given_up == []


async def test_the_proof_twice_changes_nothing(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping) as world:
        order, handle = await awaiting(world)
        for _ in range(2):
            await proven(order, handle)
        await eventually(lambda: len(world.publisher.asked(0)) == 3)
        await proven(order, handle)
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()
    assert world.publisher.event_ids.count(f"{order.cohort_id}/opened") == 1


async def test_without_a_proof_it_ends_after_its_date_and_nobody_was_ever_told(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order, handle = await awaiting(world)
        await skipping.sleep(WAIT - timedelta(hours=1))
        assert world.intake.given_up == []
        world.answer(order)  # what giving up leaves behind
        ended = await handle.result()
    assert world.intake.given_up == [order.cohort_id]
    assert world.publisher.records == []
    assert (ended.systems, ended.requests) == (0, 1)


async def test_a_proof_at_the_last_moment_wins_over_giving_up(
    skipping: WorkflowEnvironment,
) -> None:
    """Intake says that it is open: the proof came first there, and its command is on its way."""
    async with a_world(skipping) as world:
        order, handle = await awaiting(world)
        await skipping.sleep(WAIT + timedelta(minutes=5))
        await eventually(lambda: world.intake.given_up)
        await proven(order, handle)
        await eventually(lambda: len(world.publisher.asked(0)) == 3)
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()


async def test_a_hint_while_waiting_is_read_and_ends_what_has_ended(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order, handle = await awaiting(world)
        await handle.signal(CohortWorkflow.answered)
        await eventually(lambda: world.intake.reads[order.cohort_id] == 1)
        assert (await handle.describe()).close_time is None
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        assert (await handle.result()).systems == 0
    assert world.publisher.records == []
