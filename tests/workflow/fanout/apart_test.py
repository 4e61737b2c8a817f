"""A request that a person's decision sets apart: what the ledger and the systems are told, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from workflow.fanout.cohort_world import World, a_world, counted, events
from workflow.fanout.tiers_test import escalated, tiers, told

from dsr_core.closing import Outcome
from dsr_core.law.rules import TierAction
from dsr_core.rights import Disposition
from dsr_fanout.orders import Decided, Ended, Order, Settled, Tier, Verified
from dsr_fanout.workflows.cohort import CohortWorkflow
from dsr_wire.codec.amendments import DueDateMoved, LeftCohort
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced, ObligationSettled, Stopped
from dsr_wire.codec.notices import Instruction
from support.builders import an_id
from support.waiting import eventually

HOLD, OTHER_HOLD = an_id(7001), an_id(7002)
EVERYONE = {"billing", "crm", "mailer"}

Handle = WorkflowHandle[CohortWorkflow, Ended]


async def a_leaver(world: World, *, owed: tuple[str, ...] = ("crm",)) -> Order:
    """A request that leaves its cohort on its first day, and is due thirty days after that."""
    now = await world.environment.get_current_time()
    due_at = now + timedelta(days=30)
    order = await world.a_leaver(received_at=now, due_at=due_at, tiers=tiers(now, due_at))
    world.ledger.owed = dict.fromkeys(owed, tuple(order.request_ids))
    return order


async def a_decision(
    world: World, order: Order, kind: str, revision: int = 1, **changes: Any
) -> Decided:
    now = await world.environment.get_current_time()
    one = Decided(
        kind=kind,
        revision=revision,
        effective_at=now,
        recorded_at=now,
        due_at=order.due_at,
        tiers=order.tiers,
    )
    return replace(one, **changes)


async def decide(
    world: World, order: Order, kind: str, revision: int = 1, **changes: Any
) -> Handle:
    decided = await a_decision(world, order, kind, revision, **changes)
    return await world.set_apart(order, decided)


def later_dates(order: Order, days: int) -> dict[str, Any]:
    due_at = order.due_at + timedelta(days=days)
    return {"due_at": due_at, "tiers": tiers(order.received_at, due_at)}


async def end(world: World, order: Order, handle: Handle) -> Ended:
    world.answer(order)
    await handle.signal(CohortWorkflow.answered)
    return await handle.result()


async def test_who_leaves_opens_nothing_and_is_put_on_record_before_all_else(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        dates = later_dates(order, 60)
        handle = await decide(world, order, "deadline_extended", **dates)
        await eventually(lambda: len(world.publisher.amended) == 2)
        await end(world, order, handle)
    left, moved = world.publisher.amended
    assert left.change == LeftCohort(order.cohort_id)  # type: ignore[arg-type] # its id
    assert moved.change == DueDateMoved(dates["due_at"])
    assert {one.cohort_id for one in (left, moved)} == {order.home_cohort_id}
    assert {one.request_id for one in (left, moved)} == {order.cohort_id}
    assert {one.key for one in world.publisher.records} == {str(order.home_cohort_id).encode()}
    assert world.publisher.opened == []
    assert world.publisher.notices == []


async def test_it_leaves_once_however_much_is_decided(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "hold_placed", hold_id=HOLD)
        await decide(world, order, "hold_placed", hold_id=HOLD)
        await decide(world, order, "hold_lifted", 2, hold_id=HOLD)
        await eventually(lambda: len(world.publisher.amended) == 3)
        await decide(world, order, "hold_placed", hold_id=HOLD)
        await end(world, order, handle)
    kinds = [type(one.change) for one in world.publisher.amended]
    assert kinds == [LeftCohort, HoldPlaced, HoldLifted]


async def test_an_extension_moves_every_tier_and_those_before_it_come_no_more(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        dates = later_dates(order, 60)
        handle = await decide(world, order, "deadline_extended", **dates)
        await eventually(lambda: world.publisher.amended)
        await skipping.sleep(timedelta(days=44))
        assert world.publisher.notices == []
        await skipping.sleep(timedelta(days=2))
        await eventually(lambda: set(world.publisher.asked(1)) == {"crm"})
        [reminder] = world.publisher.notices
        assert (reminder.revision, reminder.instruction) == (1, Instruction.PERFORM)
        assert reminder.due_at == dates["due_at"]
        assert reminder.cohort_id == order.home_cohort_id
        assert world.intake.sealed_under == [order.home_cohort_id]
        await skipping.sleep(timedelta(days=40))
        await eventually(lambda: len(escalated(world)) == 2)
        await end(world, order, handle)
    assert TierAction.RECORD_BREACH not in {one.action for one in escalated(world)}


async def test_an_extension_that_came_to_nothing_puts_the_date_that_has_passed_on_record(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "deadline_extended", **later_dates(order, 60))
        await eventually(lambda: world.publisher.amended)
        await skipping.sleep(timedelta(days=35))
        assert escalated(world) == []
        await decide(world, order, "deadline_extended", 2)
        await eventually(lambda: len(world.publisher.amended) == 3)
        await eventually(lambda: escalated(world))
        await end(world, order, handle)
    assert [one.action for one in escalated(world)] == [TierAction.RECORD_BREACH]


async def test_tiers_that_its_home_cohort_has_passed_are_not_passed_again(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        now = await skipping.get_current_time()
        began = now - timedelta(days=20)
        due_at = began + timedelta(days=30)
        order = await world.a_leaver(received_at=began, due_at=due_at, tiers=tiers(began, due_at))
        world.ledger.owed = {"crm": tuple(order.request_ids)}
        handle = await decide(world, order, "obligation_settled", settled=a_settled())
        await skipping.sleep(timedelta(days=3))
        await eventually(lambda: len(escalated(world)) == 1)
        assert world.publisher.notices == []
        await end(world, order, handle)


def a_settled() -> Settled:
    return Settled(
        system_id="crm",
        disposition=Disposition.NOT_FOUND.value,
        proposed_by="first-operator",
        approved_by="second-operator",
        reason="the system was switched off",
    )


async def test_an_answer_by_two_people_reaches_the_ledger_and_no_system(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "obligation_settled", settled=a_settled())
        await eventually(lambda: len(world.publisher.amended) == 2)
        await end(world, order, handle)
    change = world.publisher.amended[1].change
    assert isinstance(change, ObligationSettled)
    assert (change.system_id, change.proposed_by) == ("crm", "first-operator")
    assert world.publisher.notices == []


async def test_a_stop_goes_to_those_who_have_not_ended_and_carries_no_identity(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world, owed=("crm", "mailer"))
        handle = await decide(world, order, "stopped", outcome="withdrawn")
        await eventually(lambda: len(world.publisher.notices) == 2)
        assert set(world.publisher.instructed(Instruction.STOP, 1)) == {"crm", "mailer"}
        await end(world, order, handle)
    sealed = [i.sealed for n in world.publisher.notices for s in n.systems for i in s.identities]
    assert sealed == [b"", b""]
    assert world.intake.seals == []
    assert world.publisher.amended[1].change == Stopped(Outcome.WITHDRAWN)
    assert [one for one in world.publisher.event_ids if one and "stop" in one] == [
        f"{order.cohort_id}/amended/1/stopped",
        f"{order.cohort_id}/example-group/stop-1",
        f"{order.cohort_id}/example-mail/stop-1",
    ]


async def test_a_stop_that_the_ledger_does_not_know_of_yet_goes_to_everyone(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        world.ledger.unknown.add(order.cohort_id)
        handle = await decide(world, order, "stopped", outcome="refused")
        await eventually(lambda: set(world.publisher.instructed(Instruction.STOP, 1)) == EVERYONE)
        await end(world, order, handle)


async def test_while_it_is_stopped_reminders_say_stop_and_its_date_is_its_end(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "stopped", outcome="withdrawn")
        await eventually(lambda: told(handle, "stopping"))
        await skipping.sleep(timedelta(days=16))
        await eventually(lambda: set(world.publisher.asked(1)) == {"crm"})
        assert {one.instruction for one in world.publisher.notices} == {Instruction.STOP}
        await skipping.sleep(timedelta(days=13))
        assert world.intake.stops_given_up == []
        world.answer(order)  # what giving up leaves behind
        ended = await handle.result()
    assert world.intake.stops_given_up == [order.cohort_id]
    assert not ended.was_overdue
    assert TierAction.RECORD_BREACH not in {one.action for one in escalated(world)}


async def test_a_stop_after_the_legal_date_has_an_hour(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "obligation_settled", settled=a_settled())
        await skipping.sleep(timedelta(days=32))
        await eventually(lambda: told(handle, "overdue"))
        await decide(world, order, "stopped", 2, outcome="withdrawn")
        await eventually(lambda: told(handle, "stopping"))
        assert world.intake.stops_given_up == []
        await skipping.sleep(timedelta(days=1, hours=1))
        await eventually(lambda: world.intake.stops_given_up)
        await end(world, order, handle)


async def test_intake_that_cannot_give_up_a_stop_keeps_no_answer_from_ending_it(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "stopped", outcome="withdrawn")
        await skipping.sleep(timedelta(days=31))
        await eventually(lambda: len(world.intake.stops_given_up) > 1)
        await end(world, order, handle)


async def test_a_hold_suspends_the_systems_that_it_covers_and_they_are_not_reminded(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world, owed=("crm", "mailer"))
        handle = await decide(world, order, "hold_placed", hold_id=HOLD, system_ids=["crm"])
        await eventually(lambda: world.publisher.instructed(Instruction.SUSPEND, 1))
        assert set(world.publisher.instructed(Instruction.SUSPEND, 1)) == {"crm"}
        await eventually(lambda: told(handle, "on_hold"))
        await skipping.sleep(timedelta(days=16))
        await eventually(lambda: set(world.publisher.asked(1)) == {"mailer"})
        await skipping.sleep(timedelta(days=15))
        await eventually(lambda: len(escalated(world)) == 3)
        await end(world, order, handle)
    named = [{one.system_id for one in record.missing} for record in escalated(world)]
    assert named == [{"mailer"}, {"mailer"}, {"crm", "mailer"}], (
        "a breach names all that are missing"
    )


async def test_after_its_last_hold_the_missing_systems_are_told_to_go_on(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world, owed=("billing", "crm"))
        handle = await decide(world, order, "hold_placed", hold_id=HOLD)
        await decide(world, order, "hold_placed", 2, hold_id=OTHER_HOLD, system_ids=["crm"])
        await decide(world, order, "hold_lifted", 3, hold_id=HOLD)
        await eventually(lambda: world.publisher.instructed(Instruction.PERFORM, 3))
        assert set(world.publisher.instructed(Instruction.PERFORM, 3)) == {"billing"}
        await decide(world, order, "hold_lifted", 4, hold_id=OTHER_HOLD)
        await eventually(lambda: world.publisher.instructed(Instruction.PERFORM, 4))
        assert set(world.publisher.instructed(Instruction.PERFORM, 4)) == {"crm"}
        assert set(world.publisher.instructed(Instruction.SUSPEND, 1)) == EVERYONE
        await eventually(lambda: told(handle, "waiting for answers"))
        assert not await told(handle, "on_hold")
        await end(world, order, handle)
    assert world.intake.sealed_under == [order.home_cohort_id] * 2


async def test_a_hold_while_the_person_is_asked_suspends_at_once_and_outlasts_the_answer(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world, owed=("crm", "mailer"))
        handle = await decide(world, order, "clarification_asked")
        await decide(world, order, "hold_placed", 2, hold_id=HOLD, system_ids=["crm"])
        await eventually(lambda: world.publisher.instructed(Instruction.SUSPEND, 2))
        assert set(world.publisher.instructed(Instruction.SUSPEND, 2)) == {"crm"}
        await decide(world, order, "clarification_given", 3)
        await eventually(lambda: told(handle, "on_hold"))
        await skipping.sleep(timedelta(days=16))
        await eventually(lambda: set(world.publisher.asked(1)) == {"mailer"})
        await decide(world, order, "hold_lifted", 4, hold_id=HOLD)
        await eventually(lambda: world.publisher.instructed(Instruction.PERFORM, 4))
        assert set(world.publisher.instructed(Instruction.PERFORM, 4)) == {"crm"}
        await end(world, order, handle)
    assert world.publisher.instructed(Instruction.PERFORM, 3) == {}


async def test_a_hold_of_three_years_and_its_end(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "hold_placed", hold_id=HOLD)
        await eventually(lambda: told(handle, "on_hold"))
        began = (await handle.describe()).run_id
        for _ in range(3):
            await skipping.sleep(timedelta(days=365))
        await eventually(lambda: world.intake.reads[order.cohort_id] >= 1000, within=60)
        latest = world.client.get_workflow_handle(handle.id)
        assert (await latest.describe()).run_id != began, "it goes on in a new history"
        assert world.publisher.asked(1) == {}
        await decide(world, order, "hold_lifted", 2, hold_id=HOLD)
        await eventually(lambda: set(world.publisher.instructed(Instruction.PERFORM, 2)) == {"crm"})
        await end(world, order, handle)
    assert [one.action for one in escalated(world)] == [TierAction.RECORD_BREACH]


async def test_nobody_is_reminded_while_the_person_is_asked_what_is_meant(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        still: dict[str, Any] = {"tiers": []}  # the clock stands still
        handle = await decide(world, order, "clarification_asked", **still)
        await eventually(lambda: told(handle, "awaiting_clarification"))
        assert [type(one.change) for one in world.publisher.amended] == [LeftCohort]
        await skipping.sleep(timedelta(days=40))
        assert (world.publisher.notices, escalated(world)) == ([], [])
        assert world.intake.reads[order.cohort_id] > 10
        dates = later_dates(order, 40)
        await decide(world, order, "clarification_given", 2, **dates)
        await eventually(lambda: len(world.publisher.amended) == 2)
        assert world.publisher.amended[1].change == DueDateMoved(dates["due_at"])
        await skipping.sleep(timedelta(days=20))
        await eventually(lambda: len(escalated(world)) == 1)
        assert [one.action for one in escalated(world)] == [TierAction.ESCALATE_TO_ORGANISATION]
        await end(world, order, handle)


async def test_where_the_clock_runs_on_the_passing_of_the_legal_date_is_put_on_record(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "clarification_asked")
        await skipping.sleep(timedelta(days=29))
        assert (world.publisher.notices, escalated(world)) == ([], [])
        await skipping.sleep(timedelta(days=5))
        await eventually(lambda: told(handle, "overdue"))
        await end(world, order, handle)
    assert [one.action for one in escalated(world)] == [TierAction.RECORD_BREACH]
    assert world.publisher.notices == []


async def test_where_the_clock_ran_on_what_came_meanwhile_is_done_once_it_is_clear(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "clarification_asked")
        await skipping.sleep(timedelta(days=24))
        assert world.publisher.notices == []
        await decide(world, order, "clarification_given", 2)
        await eventually(lambda: set(world.publisher.asked(1)) == {"crm"})
        await eventually(lambda: len(escalated(world)) == 1)
        await end(world, order, handle)


async def test_a_decision_waits_for_the_one_that_it_has_overtaken(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "hold_lifted", 2, hold_id=HOLD)
        await eventually(lambda: told(handle, "waiting for answers"))
        assert world.publisher.records == []
        await decide(world, order, "hold_placed", hold_id=HOLD)
        await eventually(lambda: len(world.publisher.amended) == 3)
        assert [one.revision for one in world.publisher.amended] == [1, 1, 2]
        await end(world, order, handle)


async def test_a_decision_whose_forerunner_never_comes_is_taken_after_ten_minutes(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        handle = await decide(world, order, "hold_lifted", 2, hold_id=HOLD)
        await skipping.sleep(timedelta(minutes=11))
        await eventually(lambda: len(world.publisher.amended) == 2)
        # Should it come all the same, the record has it, and what was lifted stays so.
        await decide(world, order, "hold_placed", hold_id=HOLD)
        await eventually(lambda: len(world.publisher.amended) == 3)
        await eventually(lambda: told(handle, "waiting for answers"))
        assert not await told(handle, "on_hold")
        assert world.publisher.notices == []
        await end(world, order, handle)


@pytest.mark.parametrize("first", ["cohort", "command"])
async def test_a_cohort_of_one_opens_once_whichever_comes_first(
    skipping: WorkflowEnvironment, first: str
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order(members=1)
        world.ledger.owed = {"crm": tuple(order.request_ids)}
        if first == "cohort":
            await world.start(order)
            await eventually(lambda: world.publisher.asked(0))
        handle = await decide(world, order, "stopped", outcome="withdrawn")
        await eventually(lambda: world.publisher.instructed(Instruction.STOP, 1))
        await end(world, order, handle)
    assert world.publisher.event_ids[0] == f"{order.cohort_id}/opened"
    assert world.publisher.event_ids.count(f"{order.cohort_id}/opened") == 1
    assert [type(one.change) for one in world.publisher.amended] == [Stopped]


async def test_a_request_that_is_stopped_before_the_proof_opens_nothing(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        now = await skipping.get_current_time()
        order = await world.an_order(members=1, verify_identity_by=now + timedelta(days=30))
        world.answer(order)  # intake has closed it in the same transaction
        handle = await decide(world, order, "stopped", outcome="withdrawn")
        assert (await handle.result()).systems == 0
    assert world.publisher.records == []


async def test_a_request_that_no_system_can_be_asked_about_can_be_refused(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order(members=1, categories=["user.of-no-system"])
        handle = await world.start(order)
        await eventually(lambda: told(handle, "empty_plan"))
        await decide(world, order, "stopped", outcome="refused")
        await skipping.sleep(timedelta(minutes=6))
        await eventually(lambda: len(world.publisher.amended) == 1)
        await skipping.sleep(timedelta(days=31))
        await eventually(lambda: world.intake.stops_given_up)
        await end(world, order, handle)


async def test_the_proof_is_the_first_of_the_revisions(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping) as world:
        now = await skipping.get_current_time()
        order = await world.an_order(members=1, verify_identity_by=now + timedelta(days=30))
        handle = await world.start(order)
        await eventually(lambda: told(handle, "waiting for the proof"))
        await decide(world, order, "hold_placed", 2, hold_id=HOLD)
        dated = [Tier(action="record_breach", at=order.due_at)]
        verified = Verified(due_at=order.due_at, tiers=dated, revision=1)
        await handle.signal(CohortWorkflow.identity_verified, verified)
        await eventually(lambda: world.publisher.instructed(Instruction.SUSPEND, 2))
        await end(world, order, handle)


async def test_a_stop_that_cannot_be_told_is_tried_again_beside_the_tiers(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await a_leaver(world)
        world.publisher.missing_topics = {"dsr.deletion.example-group.v1"}
        handle = await decide(world, order, "stopped", outcome="withdrawn")
        await eventually(lambda: told(handle, "held up at notify: untold"))
        world.publisher.missing_topics.clear()
        await skipping.sleep(timedelta(minutes=6))
        await eventually(lambda: world.publisher.instructed(Instruction.STOP, 1))
        await end(world, order, handle)
        history = await events(handle)
    assert counted(history)["marker_recorded"] < 10
