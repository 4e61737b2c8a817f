"""Starting: when a workflow begins, when none may, and when its reminder is."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from unit.fanout.fanout_fakes import FakeIntake, FakeLedger, FakeWorkflows

from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_core.ids import SystemId
from dsr_core.plan import Scope
from dsr_core.suppressions import SuppressionKind
from dsr_fanout.application.opening import scope_of
from dsr_fanout.application.ordering import ReminderPolicy
from dsr_fanout.application.reading import Reading
from dsr_fanout.application.starting import Start, Starting
from support.builders import NOW, an_accepted_cohort, days

_RETENTION = days(1)


def _starting(
    workflows: FakeWorkflows, intake: FakeIntake, reminders: ReminderPolicy | None = None
) -> Starting:
    return Starting(
        workflows=workflows,
        intake=intake,
        reminders=reminders or ReminderPolicy(fraction=0.5),
        retention=_RETENTION,
    )


async def test_accepted_cohort_gets_its_workflow() -> None:
    workflows = FakeWorkflows()
    cohort = an_accepted_cohort()
    outcome = await _starting(workflows, FakeIntake()).start(cohort, traceparent="00-x", at=NOW)

    assert outcome is Start.RUNNING
    (order,) = workflows.started
    assert order.cohort_id == cohort.cohort_id
    assert order.request_ids == list(cohort.request_ids)
    assert order.remind_after_s == days(15).total_seconds()
    assert order.traceparent == "00-x"


async def test_the_systems_that_a_cohort_names_are_its_orders() -> None:
    workflows = FakeWorkflows()
    cohort = an_accepted_cohort(scope=Scope(system_ids=(SystemId("crm"),)))
    await _starting(workflows, FakeIntake()).start(cohort, traceparent=None, at=NOW)
    (order,) = workflows.started
    assert scope_of(order) == cohort.scope


async def test_what_a_cohort_is_limited_to_is_its_orders() -> None:
    workflows = FakeWorkflows()
    limits = Scope(since=date(2025, 3, 1), uses=(SuppressionKind.MARKETING,))
    await _starting(workflows, FakeIntake()).start(
        an_accepted_cohort(scope=limits), traceparent=None, at=NOW
    )
    (order,) = workflows.started
    assert scope_of(order) == limits


async def test_started_again_after_it_ended_is_finished() -> None:
    cohort = an_accepted_cohort()
    workflows = FakeWorkflows(finished={cohort.cohort_id})
    outcome = await _starting(workflows, FakeIntake()).start(cohort, traceparent=None, at=NOW)
    assert outcome is Start.FINISHED


async def test_record_older_than_temporals_memory_starts_nothing_that_is_answered() -> None:
    workflows, intake = FakeWorkflows(), FakeIntake()
    cohort = an_accepted_cohort(accepted_at=NOW - days(3))
    intake.knows(cohort.cohort_id, members=2, open_members=0)
    outcome = await _starting(workflows, intake).start(cohort, traceparent=None, at=NOW)
    assert outcome is Start.ANSWERED
    assert workflows.started == []


async def test_old_record_of_an_open_cohort_starts() -> None:
    workflows, intake = FakeWorkflows(), FakeIntake()
    cohort = an_accepted_cohort(accepted_at=NOW - days(3))
    intake.knows(cohort.cohort_id, members=2, open_members=1)
    outcome = await _starting(workflows, intake).start(cohort, traceparent=None, at=NOW)
    assert outcome is Start.RUNNING


async def test_old_record_of_a_cohort_that_intake_does_not_know_is_refused() -> None:
    cohort = an_accepted_cohort(accepted_at=NOW - days(3))
    with pytest.raises(RejectedInput) as fault:
        await _starting(FakeWorkflows(), FakeIntake()).start(cohort, traceparent=None, at=NOW)
    assert fault.value.reason == "unknown_cohort"


async def test_old_record_waits_for_intake() -> None:
    intake = FakeIntake()
    intake.away.is_away = True
    cohort = an_accepted_cohort(accepted_at=NOW - days(3))
    with pytest.raises(Unavailable):
        await _starting(FakeWorkflows(), intake).start(cohort, traceparent=None, at=NOW)


@pytest.mark.parametrize(
    ("policy", "due_in", "delay"),
    [
        (ReminderPolicy(fraction=0.5), days(30), days(15)),
        (ReminderPolicy(fraction=0.9), days(10), days(9)),
        (ReminderPolicy(fraction=0.5), days(-1), days(0)),
        (ReminderPolicy(fraction=0.5, fixed=timedelta(seconds=3)), days(30), timedelta(seconds=3)),
    ],
)
def test_reminder_comes_at_a_part_of_the_time_or_after_a_fixed_one(
    policy: ReminderPolicy, due_in: timedelta, delay: timedelta
) -> None:
    assert policy.delay(due_at=NOW + due_in, at=NOW) == delay


async def test_reading_a_cohort_that_intake_does_not_know_is_no_answer() -> None:
    with pytest.raises(RuleViolation):
        await Reading(intake=FakeIntake(), ledger=FakeLedger()).progress(
            an_accepted_cohort().cohort_id
        )
