"""Phases of a plan: who is told when, what a lost hint costs, and that an order makes no date be missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio.testing import WorkflowEnvironment
from workflow.fanout.apart_test import HOLD, Handle, decide, end
from workflow.fanout.cohort_world import World, a_world, counted, events
from workflow.fanout.tiers_test import an_order, told

from dsr_core.ids import SystemId
from dsr_core.registry import Registry
from dsr_fanout.orders import NEWEST, Order
from dsr_fanout.workflows.cohort import CohortWorkflow
from dsr_wire.codec.notices import Instruction
from support.builders import a_registry, a_system
from support.waiting import eventually


def a_copy(name: str, *origins: str, **changes: Any) -> Any:
    return a_system(name, copies_from=tuple(SystemId(one) for one in origins), **changes)


TWO = a_registry(a_system("accounts"), a_copy("mailer", "accounts"))
THREE = a_registry(
    a_system("accounts"), a_copy("billing", "accounts"), a_copy("payments", "billing")
)


async def begun(world: World, *, owed: tuple[str, ...] = (), **how: Any) -> tuple[Order, Handle]:
    """A cohort of which the first phase is told."""
    order = await an_order(world, **how)
    names = owed or tuple(one.id for one in world.registry.systems)
    world.ledger.owed = dict.fromkeys(names, tuple(order.request_ids))
    handle = await world.start(order)
    await eventually(lambda: waits(handle))
    return order, handle


async def waits(handle: Handle) -> bool:
    """Tell whether a workflow has nothing to do; a query would cost it a task."""
    return (await events(handle))[-1] == "timer_started"


async def confirm(world: World, handle: Handle, phases: int, *done: str) -> None:
    """Let the ledger have so many phases confirmed, by these systems, and say so."""
    world.ledger.confirmed = phases
    world.ledger.owed = {one: ids for one, ids in world.ledger.owed.items() if one not in done}
    await handle.signal(CohortWorkflow.phase_confirmed)


def rounds(world: World) -> list[tuple[str, set[str]]]:
    """The first notices, by what their round is called."""
    return [
        (one.notice_id.rsplit("/", 1)[-1], {str(system.system_id) for system in one.systems})
        for one in world.publisher.notices
    ]


async def idle_after(world: World, handle: Handle, count: int) -> None:
    """Wait until so many rounds are told, and the workflow waits: a hint at work costs a task more."""
    await eventually(lambda: len(rounds(world)) == count)
    await eventually(lambda: waits(handle))


def phases_told(world: World) -> list[tuple[int, bool]]:
    return [(one.phase, one.is_due) for one in world.publisher.told_phases]


async def test_each_phase_is_told_once_the_one_before_is_confirmed(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping, THREE) as world:
        order, handle = await begun(world)
        assert rounds(world) == [("0", {"payments"})]
        await confirm(world, handle, 1, "payments")
        await idle_after(world, handle, 2)
        await confirm(world, handle, 2, "billing")
        await idle_after(world, handle, 3)
        await end(world, order, handle)
        history = await events(handle)
    assert rounds(world)[1:] == [("phase-1", {"billing"}), ("phase-2", {"accounts"})]
    assert phases_told(world) == [(1, False), (2, False)]
    [opened] = world.publisher.opened
    assert opened.phases == {"billing": 1, "accounts": 2}
    assert len(history) <= 13 + 2 * 8, counted(history)


async def test_two_phases_cost_eight_events_more_than_one(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping, TWO) as world:
        order, handle = await begun(world)
        await confirm(world, handle, 1, "mailer")
        await idle_after(world, handle, 2)
        await end(world, order, handle)
        history = await events(handle)
    assert len(history) <= 13 + 8, counted(history)


async def test_it_says_how_many_phases_are_told(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping, THREE) as world:
        order, handle = await begun(world)
        assert await told(handle, "1 of 3 phases are told")
        await confirm(world, handle, 2)
        await eventually(lambda: phases_told(world) == [(1, False), (2, False)])
        await eventually(lambda: told(handle, "waiting for answers"))
        assert not await told(handle, "phases")
        await end(world, order, handle)


async def test_a_hint_is_read_again_before_it_is_believed(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping, TWO) as world:
        order, handle = await begun(world)
        await confirm(world, handle, 0)
        await eventually(lambda: told(handle, "waiting for answers"))
        assert len(rounds(world)) == 1
        for _ in range(3):
            await confirm(world, handle, 1, "mailer")
        await eventually(lambda: len(rounds(world)) == 2)
        await end(world, order, handle)
    assert phases_told(world) == [(1, False)]


async def test_at_the_first_tier_all_are_told_and_those_of_before_reminded(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping, THREE) as world:
        order, handle = await begun(world)
        await skipping.sleep(timedelta(days=14))
        assert len(rounds(world)) == 1
        await skipping.sleep(timedelta(days=2))
        await eventually(lambda: world.publisher.asked(1))
        assert set(world.publisher.asked(1)) == {"payments"}
        await end(world, order, handle)
    assert phases_told(world) == [(1, True), (2, True)]
    assert {"phase-1", "phase-2"} <= {name for name, _ in rounds(world)}


async def test_a_lost_hint_is_made_up_for_at_the_first_tier_and_is_no_breach_of_the_order(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping, TWO) as world:
        order, handle = await begun(world)
        world.ledger.confirmed = 1
        await skipping.sleep(timedelta(days=16))
        await eventually(lambda: phases_told(world))
        await end(world, order, handle)
    assert phases_told(world) == [(1, False)]


async def test_who_comes_after_the_first_tier_is_told_with_the_others(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping, THREE) as world:
        order, handle = await begun(world, received=timedelta(days=20))
        await end(world, order, handle)
    assert phases_told(world) == [(1, True), (2, True)]


async def test_a_ledger_that_is_away_holds_up_no_tier_and_is_asked_again(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping, TWO) as world:
        order, handle = await begun(world)
        world.ledger.away.for_calls = 4
        await confirm(world, handle, 1, "mailer")
        await eventually(lambda: world.ledger.away.for_calls <= 1)
        assert phases_told(world) == []
        await skipping.sleep(timedelta(minutes=1))
        await eventually(lambda: phases_told(world))
        await end(world, order, handle)
    assert phases_told(world) == [(1, False)]


async def test_under_a_hold_on_all_nobody_is_told_and_afterwards_with_its_revision(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping, TWO) as world:
        order, handle = await begun(world)
        await decide(world, order, "hold_placed", hold_id=HOLD)
        await confirm(world, handle, 1, "mailer")
        await eventually(lambda: told(handle, "waiting for answers"))
        assert phases_told(world) == []
        await decide(world, order, "hold_lifted", 2, hold_id=HOLD)
        await eventually(lambda: phases_told(world))
        await eventually(lambda: rounds(world)[-1][0] == "phase-1")
        await end(world, order, handle)
    assert world.publisher.notices[-1].revision == 2
    performed = world.publisher.instructed(Instruction.PERFORM, 2)
    assert set(performed) == {"accounts"}, "by its phase, and not by the end of the hold"
    assert [name for name, _ in rounds(world)].count("perform-2") == 0


async def test_a_hold_that_outlasts_the_first_tier_has_all_told_when_it_ends(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping, TWO) as world:
        order, handle = await begun(world)
        await decide(world, order, "hold_placed", hold_id=HOLD)
        await skipping.sleep(timedelta(days=16))
        assert phases_told(world) == []
        await decide(world, order, "hold_lifted", 2, hold_id=HOLD)
        await eventually(lambda: phases_told(world))
        await end(world, order, handle)
    assert phases_told(world) == [(1, True)]


async def test_a_stop_goes_to_everyone_and_no_phase_is_told_after_it(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping, TWO) as world:
        order, handle = await begun(world)
        await decide(world, order, "stopped", outcome="withdrawn")
        await confirm(world, handle, 1)
        await skipping.sleep(timedelta(days=16))
        await end(world, order, handle)
    assert set(world.publisher.instructed(Instruction.STOP, 1)) == {"accounts", "mailer"}
    assert phases_told(world) == []


async def test_who_has_left_its_cohort_goes_on_with_the_phases_by_itself(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping, THREE) as world:
        order = replace(await world.a_leaver(), replan=[NEWEST])
        world.ledger.owed = dict.fromkeys(("billing", "accounts"), tuple(order.request_ids))
        world.ledger.confirmed = 1
        handle = await decide(world, order, "deadline_extended")
        await eventually(lambda: len(rounds(world)) == 1)
        assert rounds(world) == [("phase-1", {"billing"})]
        await confirm(world, handle, 2, "billing")
        await eventually(lambda: len(rounds(world)) == 2)
        await end(world, order, handle)
    assert {one.cohort_id for one in world.publisher.told_phases} == {order.cohort_id}
    assert {one.cohort_id for one in world.publisher.notices} == {order.home_cohort_id}
    assert {one.revision for one in world.publisher.notices} == {1}


def joined(*, late: bool) -> Registry:
    """A version in which a copy has joined, or a system of record behind all others."""
    more = a_system("archive", erase_after=(SystemId("accounts"),) if late else ())
    return a_registry(*TWO.systems, more)


async def test_who_joins_is_told_at_once_where_its_phase_has_come(
    skipping: WorkflowEnvironment,
) -> None:
    for late in (False, True):
        async with a_world(skipping, TWO) as world:
            order, handle = await begun(world)
            newer = joined(late=late)
            world.registries.versions[newer.digest] = newer
            await handle.signal(CohortWorkflow.replan, newer.digest)
            await eventually(lambda world=world: world.publisher.amended)
            await eventually(lambda handle=handle: told(handle, "waiting for answers"))
            now = {name for _, names in rounds(world) for name in names}
            assert ("archive" in now) is not late
            world.ledger.owed["archive"] = tuple(order.request_ids)
            await confirm(world, handle, 1, "mailer")
            await eventually(lambda world=world: rounds(world)[-1][0] == "phase-1")
            await end(world, order, handle)
        assert "archive" in {name for _, names in rounds(world) for name in names}


async def test_a_history_that_goes_on_remembers_which_phases_were_told(
    development: WorkflowEnvironment,
) -> None:
    async with a_world(development, THREE) as world:
        order, handle = await begun(world)
        await confirm(world, handle, 1, "payments")
        await eventually(lambda: len(rounds(world)) == 2)
        first = (await handle.describe()).run_id
        for _ in range(20):
            await handle.signal(CohortWorkflow.answered)
            await eventually(lambda: told(handle, "waiting for answers"))
        latest = development.client.get_workflow_handle(handle.id)
        assert (await latest.describe()).run_id != first
        await latest.signal(CohortWorkflow.phase_confirmed)
        await eventually(lambda: told(latest, "2 of 3 phases are told"))
        world.ledger.confirmed = 2
        await latest.signal(CohortWorkflow.phase_confirmed)
        await eventually(lambda: len(rounds(world)) == 3)
        world.answer(order)
        await latest.signal(CohortWorkflow.answered)
        await latest.result()
    assert phases_told(world) == [(1, False), (2, False)]
