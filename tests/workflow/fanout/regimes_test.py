"""Four hundred days of an unanswered request, under each regime's real rules, in seconds."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from temporalio.testing import WorkflowEnvironment
from workflow.fanout.cohort_world import World, a_world
from workflow.fanout.tiers_test import escalated, told

from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.rules import Regime, TierAction
from dsr_core.law.timeline import timeline
from dsr_core.rights import Right
from dsr_fanout.orders import Order, Tier
from dsr_fanout.workflows.cohort import CohortWorkflow
from dsr_intake.application.forming import dated
from support.law import calendar_of, shipped_rules
from support.waiting import eventually

REGIMES = {one.name: one for one in shipped_rules().regimes}
LONG = timedelta(days=400)


async def an_order(world: World, regime: Regime) -> Order:
    """A deletion that was received just now, under the dates that the regime's rules give it."""
    now = await world.environment.get_current_time()
    jurisdiction = (*regime.jurisdictions, "US")[0]
    facts = [Fact(FactKind.RECEIVED, now), Fact(FactKind.IDENTITY_PROVEN, now)]
    dates = timeline(regime, Right.DELETION, calendar_of(regime, jurisdiction), facts)
    assert dates.respond_by is not None
    due_at = dates.respond_by.astimezone(UTC)
    tiers = [Tier(action=one.action.value, at=one.at) for one in dated(regime.tiers, now, due_at)]
    order = await world.an_order(
        members=1,
        regime=regime.name,
        jurisdiction=jurisdiction,
        received_at=now,
        due_at=due_at,
        tiers=tiers,
    )
    world.ledger.owed = {"crm": tuple(order.request_ids)}
    return order


def test_there_are_eight_regimes() -> None:
    assert len(REGIMES) == 8


@pytest.mark.parametrize("name", REGIMES)
async def test_a_request_that_nobody_answers_passes_every_tier_and_is_read_daily_for_ever(
    skipping: WorkflowEnvironment, name: str
) -> None:
    regime = REGIMES[name]
    async with a_world(skipping) as world:
        order = await an_order(world, regime)
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        await skipping.sleep(LONG)
        overdue_days = (LONG - (order.due_at - order.received_at)).days
        await eventually(lambda: world.intake.reads[order.cohort_id] >= overdue_days, within=60)
        assert (await handle.describe()).close_time is None
        assert await told(handle, "overdue")

        reminders = [one for one in regime.tiers if one.action is TierAction.REMIND_SYSTEMS]
        others = [one.action for one in regime.tiers if one not in reminders]
        assert [one.action for one in escalated(world)] == others
        assert others[-1] is TierAction.RECORD_BREACH
        breached_at = escalated(world)[-1]
        assert breached_at.due_at == order.due_at
        assert {one.reminder for one in world.publisher.notices} == {*range(len(reminders) + 1)}
        # At each tier once, five times within the first day after the last, then once a day.
        assert world.intake.reads[order.cohort_id] <= len(regime.tiers) + 5 + overdue_days + 1

        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        ended = await handle.result()
    assert (ended.reminders, ended.was_overdue) == (len(reminders), True)
