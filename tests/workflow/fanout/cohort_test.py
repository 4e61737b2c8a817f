"""A cohort's workflow, over weeks that pass in seconds."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from temporalio.testing import WorkflowEnvironment
from unit.fanout.fanout_fakes import a_registry_of
from workflow.fanout.cohort_world import a_world, counted, events

from dsr_fanout.application.notifying import SEALS_A_CALL
from dsr_fanout.workflows.cohort import CohortWorkflow
from support.waiting import eventually

_EVENTS_AT_MOST = 25
_EMPTY_TASK = ("workflow_task_completed", "workflow_task_scheduled")


async def test_obligations_are_on_record_before_any_notice(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order(members=2)
        handle = await world.start(order)
        await eventually(lambda: len(world.publisher.notices) == 2)

        assert world.publisher.event_ids == [
            f"{order.cohort_id}/opened",
            f"{order.cohort_id}/example-group/0",
            f"{order.cohort_id}/example-mail/0",
        ]
        everyone = set(order.request_ids)
        assert world.publisher.asked(0) == {
            "billing": everyone,
            "crm": everyone,
            "mailer": everyone,
        }

        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        ended = await handle.result()

    assert (ended.requests, ended.systems, ended.reminders) == (2, 3, 0)
    assert not ended.was_overdue


@pytest.mark.parametrize(("systems", "members"), [(5, 1), (500, 1), (5, 250), (500, 250)])
async def test_history_grows_neither_with_systems_nor_with_members(
    skipping: WorkflowEnvironment, systems: int, members: int
) -> None:
    async with a_world(skipping, a_registry_of(systems)) as world:
        order = await world.an_order(members=members)
        handle = await world.start(order)
        pairs = systems * members
        await eventually(
            lambda: sum(len(ids) for ids in world.publisher.asked(0).values()) == pairs,
            within=150,
        )
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        assert (await handle.result()).systems == systems
        history = await events(handle)

    # On a slow machine the service asks for an empty task while a long local activity goes on: three
    # events, which grow with its time alone.
    empty = sum(one == _EMPTY_TASK for one in pairwise(history))
    assert len(history) - 3 * empty <= _EVENTS_AT_MOST, counted(history)
    if systems * members <= SEALS_A_CALL:
        assert counted(history)["marker_recorded"] == 2, "one to open and notify, one to read"


async def test_reminder_goes_only_to_the_missing_systems_for_their_requests(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order(members=3)
        first, _, third = order.request_ids
        world.ledger.owed = {"crm": (first, third), "mailer": (third,)}
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        await skipping.sleep(timedelta(days=16))
        await eventually(lambda: len(world.publisher.asked(1)) == 2)

        assert world.publisher.asked(1) == {"crm": {first, third}, "mailer": {third}}
        assert (("crm",), (first, third)) in world.intake.seals
        assert f"{order.cohort_id}/example-mail/1" in world.publisher.event_ids

        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        ended = await handle.result()

    assert ended.reminders == 1


async def test_lost_signal_the_next_tier_reads_again_and_ends(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        world.answer(order)
        ended = await handle.result()

    assert ended.reminders == 0
    assert world.publisher.asked(1) == {}


async def test_signal_while_members_are_open_is_only_a_hint(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        await handle.signal(CohortWorkflow.answered)
        await eventually(lambda: world.intake.reads[order.cohort_id] == 1)
        await eventually(lambda: _told(handle, "waiting for answers"))
        assert (await handle.describe()).close_time is None

        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()

    assert world.intake.reads[order.cohort_id] == 2


async def test_never_answered_stays_open_past_its_date_with_few_events(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order()
        world.ledger.owed = {"crm": tuple(order.request_ids)}
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        await skipping.sleep(timedelta(days=50))
        await eventually(lambda: world.intake.reads[order.cohort_id] >= 20)
        history = await events(handle)
        assert (await handle.describe()).close_time is None
        assert "overdue" in await handle.query(CohortWorkflow.progress)
        # Two tiers, five readings in the first day past the date, then one a day.
        assert counted(history)["upsert_workflow_search_attributes"] == 2
        assert len(history) < 14 + 2 * 11 + 30 * 6

        world.answer(order)
        ended = await handle.result()

    assert ended.was_overdue
    assert ended.reminders == 1


@pytest.mark.parametrize(("due_in_days", "remind_after_days"), [(-3, 0), (30, 60)])
async def test_cohort_that_is_overdue_without_a_reminder_is_reminded_once(
    skipping: WorkflowEnvironment, due_in_days: int, remind_after_days: int
) -> None:
    async with a_world(skipping) as world:
        due_at = await skipping.get_current_time() + timedelta(days=due_in_days)
        order = await world.an_order(
            due_at=due_at, remind_after_s=timedelta(days=remind_after_days).total_seconds()
        )
        world.ledger.owed = {"crm": tuple(order.request_ids)}
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        assert world.publisher.asked(1) == {}
        await skipping.sleep(timedelta(days=max(due_in_days, 0), hours=4))
        await eventually(lambda: world.publisher.asked(1))
        assert world.publisher.asked(1) == {"crm": set(order.request_ids)}

        await skipping.sleep(timedelta(days=3))
        world.answer(order)
        ended = await handle.result()

    assert (ended.reminders, ended.was_overdue) == (1, True)
    assert world.publisher.event_ids.count(f"{order.cohort_id}/example-group/1") == 1


async def test_intake_away_delays_and_fails_nothing(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        world.intake.away.is_away = True
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: _told(handle, "held up at notify: unavailable: away"))
        # The tries within a workflow task pass in real time, so that hours here would be long.
        await skipping.sleep(timedelta(minutes=25))
        assert (await handle.describe()).close_time is None
        assert world.publisher.notices == []

        world.intake.away.is_away = False
        await skipping.sleep(timedelta(minutes=6))
        await eventually(lambda: world.publisher.asked(0))
        assert world.publisher.event_ids.count(f"{order.cohort_id}/opened") == 1
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()
        history = await events(handle)

    # A pause of up to five minutes costs six events, and each new one is as long or longer; where the
    # machine is slow, a workflow task that lives on while it tries costs three more now and then.
    assert counted(history)["timer_fired"] <= 6 + 6
    assert len(history) <= 20 + 7 * counted(history)["timer_fired"]


async def test_badly_registered_system_withholds_no_other_organisations_notice(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        world.intake.without_keys = {"billing"}
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(
            lambda: _told(handle, "held up at notify: untold: not told: example-group")
        )
        assert set(world.publisher.asked(0)) == {"mailer"}

        await skipping.sleep(timedelta(seconds=30))
        world.intake.without_keys.clear()
        await skipping.sleep(timedelta(minutes=6))
        await eventually(lambda: len(world.publisher.asked(0)) == 3)
        # A try after the first tells only those who were not told.
        assert world.publisher.event_ids.count(f"{order.cohort_id}/example-mail/0") == 1
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()


async def test_an_organisation_that_cannot_be_told_stops_no_tier_of_the_others(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        world.intake.without_keys = {"billing"}
        now = await skipping.get_current_time()
        order = await world.an_order(
            due_at=now + timedelta(hours=2), remind_after_s=timedelta(hours=1).total_seconds()
        )
        world.ledger.owed = {"mailer": tuple(order.request_ids)}
        handle = await world.start(order)
        await eventually(lambda: _told(handle, "held up at notify: untold"))
        assert set(world.publisher.asked(0)) == {"mailer"}

        await skipping.sleep(timedelta(hours=1, minutes=10))
        await eventually(lambda: world.publisher.asked(1))
        assert set(world.publisher.asked(1)) == {"mailer"}
        await eventually(lambda: _told(handle, "reminded"))
        await skipping.sleep(timedelta(hours=1))
        await eventually(lambda: _told(handle, "overdue"))
        assert await _told(handle, "not told: example-group")
        assert counted(await events(handle))["upsert_workflow_search_attributes"] == 3

        world.intake.without_keys.clear()
        await skipping.sleep(timedelta(minutes=6))
        await eventually(lambda: set(world.publisher.asked(0)) == {"billing", "crm", "mailer"})
        await eventually(lambda: _told(handle, "held up", is_absent=True))
        assert world.publisher.event_ids.count(f"{order.cohort_id}/example-mail/0") == 1
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        ended = await handle.result()

    assert (ended.reminders, ended.was_overdue) == (1, True)


async def test_a_cohort_of_which_nobody_can_be_told_becomes_overdue_all_the_same(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        world.publisher.missing_topics = {
            f"dsr.deletion.{one}.v1" for one in ("example-group", "example-mail")
        }
        now = await skipping.get_current_time()
        order = await world.an_order(due_at=now + timedelta(minutes=30), remind_after_s=1200)
        world.ledger.owed = {"crm": tuple(order.request_ids)}
        handle = await world.start(order)
        await skipping.sleep(timedelta(minutes=35))
        await eventually(lambda: _told(handle, "overdue"))
        assert world.publisher.notices == []

        world.publisher.missing_topics.clear()
        await skipping.sleep(timedelta(minutes=6))
        await eventually(lambda: len(world.publisher.asked(0)) == 3)
        await eventually(lambda: set(world.publisher.asked(1)) == {"crm"})
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        assert (await handle.result()).was_overdue


async def test_a_hint_is_followed_while_a_notice_or_a_reminder_is_held_up(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order()
        world.ledger.away.is_away = True
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        await skipping.sleep(timedelta(days=15, minutes=1))
        await eventually(lambda: _told(handle, "held up at notify: unavailable: away"))
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        ended = await asyncio.wait_for(handle.result(), 30)
        assert ended.reminders == 1

        world.intake.without_keys = {"mailer"}
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: _told(handle, "held up at notify: untold"))
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await asyncio.wait_for(handle.result(), 30)


async def test_a_hint_that_changes_nothing_does_not_put_off_who_is_untold(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        world.intake.without_keys = {"mailer"}
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: _told(handle, "held up at notify: untold"))
        await handle.signal(CohortWorkflow.answered)
        await eventually(lambda: world.intake.reads[order.cohort_id] == 1)
        world.intake.without_keys.clear()
        await skipping.sleep(timedelta(seconds=10))
        await eventually(lambda: len(world.publisher.asked(0)) == 3)
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()


async def test_obligations_are_opened_once_however_often_notices_are_tried(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        world.intake.away.for_calls = 4
        order = await world.an_order()
        handle = await world.start(order)
        await skipping.sleep(timedelta(minutes=1))
        await eventually(lambda: len(world.publisher.notices) == 2)
        assert world.publisher.event_ids[0] == f"{order.cohort_id}/opened"
        assert world.publisher.event_ids.count(f"{order.cohort_id}/opened") == 1
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()
        history = await events(handle)

    assert counted(history)["marker_recorded"] >= 3


async def test_unknown_registry_version_waits_visibly(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping) as world:
        world.registries.versions.clear()
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: _told(handle, "held up at open_and_notify: unavailable"))
        assert world.publisher.records == []

        world.registries.versions[world.registry.digest] = world.registry
        await skipping.sleep(timedelta(minutes=6))
        await eventually(lambda: world.publisher.asked(0))
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()


async def test_cohort_that_intake_does_not_know_does_not_end(
    skipping: WorkflowEnvironment,
) -> None:
    async with a_world(skipping) as world:
        order = await world.an_order()
        handle = await world.start(order)
        await eventually(lambda: world.publisher.asked(0))
        progress = world.intake.cohorts.pop(order.cohort_id)
        await handle.signal(CohortWorkflow.answered)
        await eventually(lambda: _told(handle, "intake does not know this cohort"))
        assert (await handle.describe()).close_time is None

        world.intake.cohorts[order.cohort_id] = progress
        world.answer(order)
        await skipping.sleep(timedelta(minutes=6))
        await handle.result()


async def test_long_notifying_goes_on_where_it_stopped(skipping: WorkflowEnvironment) -> None:
    async with a_world(skipping, a_registry_of(400)) as world:
        order = await world.an_order(members=20)
        world.seconds_per_reading = 5.0  # every slice uses up the time of a try
        handle = await world.start(order)
        await eventually(
            lambda: sum(len(ids) for ids in world.publisher.asked(0).values()) == 8000, within=30
        )
        assert len(set(world.publisher.event_ids)) == len(world.publisher.event_ids)
        world.answer(order)
        await handle.signal(CohortWorkflow.answered)
        await handle.result()
        history = await events(handle)

    # Four slices of five requests: one marker each, the first with the opening, one for reading.
    assert counted(history)["marker_recorded"] == 5


async def _told(handle: object, text: str, *, is_absent: bool = False) -> bool:
    return (text in await handle.query(CohortWorkflow.progress)) is not is_absent
