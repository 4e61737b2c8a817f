"""Commanding: a command reaches its workflow, waits for it, or finds that it has ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from unit.fanout.fanout_fakes import FakeIntake, FakeWorkflows

from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.ids import CohortId, SystemId
from dsr_core.rights import Disposition
from dsr_fanout.application.commanding import Commanding, Followed
from dsr_fanout.application.ordering import ReminderPolicy
from dsr_wire.codec.commands import (
    ClarificationAsked,
    ClarificationGiven,
    Command,
    DeadlineExtended,
    Decision,
    IdentityVerified,
)
from dsr_wire.codec.decisions import (
    HoldLifted,
    HoldPlaced,
    IdentityExpanded,
    ObligationSettled,
    Stopped,
)
from support.builders import NOW, a_command, a_proof_command, a_request_id, an_id, days


async def follow(
    workflows: FakeWorkflows, intake: FakeIntake, *, after_days: float = 0
) -> Followed:
    return await follow_command(a_proof_command(), workflows, intake, after_days=after_days)


async def follow_command(
    command: Command, workflows: FakeWorkflows, intake: FakeIntake, *, after_days: float = 0
) -> Followed:
    commanding = Commanding(
        workflows=workflows,
        intake=intake,
        reminders=ReminderPolicy(fraction=0.5),
        retention=days(30),
    )
    return await commanding.follow(command, traceparent="trace", at=NOW + days(after_days))


async def test_a_proof_reaches_its_workflow_with_the_new_dates() -> None:
    command = a_proof_command()
    assert isinstance(command.decision, IdentityVerified)
    workflows = FakeWorkflows(running={command.cohort_id})
    assert await follow(workflows, FakeIntake()) is Followed.DELIVERED
    verified = workflows.proven[command.cohort_id]
    assert verified.due_at == command.decision.due_at
    assert [one.action for one in verified.tiers] == ["remind_systems", "record_breach"]


async def test_a_command_that_overtook_its_cohort_waits_for_it() -> None:
    intake = FakeIntake()
    intake.knows(a_proof_command().cohort_id, members=1, open_members=1)
    with pytest.raises(Unavailable):
        await follow(FakeWorkflows(), intake)


async def test_a_command_whose_workflow_never_starts_holds_up_the_others_for_a_while_only() -> None:
    """For as long since it was first seen: after an outage it is old, and so is its cohort."""
    intake, workflows = FakeIntake(), FakeWorkflows()
    intake.knows(a_proof_command().cohort_id, members=1, open_members=1)
    commanding = Commanding(
        workflows=workflows,
        intake=intake,
        reminders=ReminderPolicy(fraction=0.5),
        retention=days(30),
    )
    outage, patience = days(1), timedelta(minutes=10)
    for waited in (timedelta(), patience):
        with pytest.raises(Unavailable):
            await commanding.follow(a_proof_command(), traceparent=None, at=NOW + outage + waited)
    with pytest.raises(RejectedInput) as raised:
        await commanding.follow(
            a_proof_command(), traceparent=None, at=NOW + outage + patience + timedelta(seconds=1)
        )
    assert raised.value.reason == "no_workflow"


async def test_a_command_after_the_end_changes_nothing() -> None:
    intake = FakeIntake()
    intake.knows(a_proof_command().cohort_id, members=1, open_members=0)
    assert await follow(FakeWorkflows(), intake) is Followed.ENDED


async def test_a_command_for_a_cohort_that_nobody_accepted_is_refused() -> None:
    with pytest.raises(RejectedInput) as raised:
        await follow(FakeWorkflows(), FakeIntake())
    assert raised.value.reason == "unknown_cohort"


DECISIONS: dict[str, Decision] = {
    "stopped": Stopped(Outcome.WITHDRAWN),
    "hold_placed": HoldPlaced(an_id(7001), (SystemId("crm"),)),
    "hold_lifted": HoldLifted(an_id(7001)),
    "deadline_extended": DeadlineExtended(),
    "obligation_settled": ObligationSettled(
        system_id=SystemId("crm"),
        disposition=Disposition.NOT_FOUND,
        proposed_by="first-operator",
        approved_by="second-operator",
        reason="the system was switched off",
    ),
    "clarification_asked": ClarificationAsked(),
    "clarification_given": ClarificationGiven(),
    "identity_expanded": IdentityExpanded((SystemId("crm"),)),
}


def test_every_decision_but_the_proof_is_here() -> None:
    assert {type(one) for one in DECISIONS.values()} == {*get_args(Decision)} - {IdentityVerified}


@pytest.mark.parametrize("kind", DECISIONS)
async def test_each_decision_reaches_the_requests_own_workflow_which_it_starts(kind: str) -> None:
    command = a_command(DECISIONS[kind], revision=4, effective_at=NOW - days(1))
    workflows = FakeWorkflows()
    assert await follow_command(command, workflows, FakeIntake()) is Followed.DELIVERED
    [(order, decided)] = workflows.taken
    alone = command.alone
    assert alone is not None
    assert (decided.kind, decided.revision, decided.effective_at) == (kind, 4, NOW - days(1))
    assert decided.due_at == order.due_at == alone.due_at
    assert [one.at for one in decided.tiers] == [one.at for one in alone.tiers]
    assert (order.cohort_id, order.request_ids) == (a_request_id(), [a_request_id()])
    assert (order.home_cohort_id, order.left_at) == (command.cohort_id, NOW)
    assert order.traceparent == "trace"


async def test_what_a_decision_needs_comes_along() -> None:
    workflows = FakeWorkflows()
    for number, decision in enumerate(DECISIONS.values(), 1):
        await follow_command(a_command(decision, revision=number), workflows, FakeIntake())
    taken = {decided.kind: decided for _, decided in workflows.taken}
    assert taken["stopped"].outcome == "withdrawn"
    assert (taken["hold_placed"].hold_id, taken["hold_placed"].system_ids) == (
        an_id(7001),
        ["crm"],
    )
    assert taken["hold_lifted"].hold_id == an_id(7001)
    settled = taken["obligation_settled"].settled
    assert settled is not None
    assert (settled.system_id, settled.disposition) == ("crm", "not_found")
    assert (settled.proposed_by, settled.approved_by) == ("first-operator", "second-operator")
    assert len(workflows.started) == 1


async def test_a_cohort_of_one_has_left_no_other() -> None:
    command = replace(a_command(DeadlineExtended()), cohort_id=CohortId(a_request_id()))
    workflows = FakeWorkflows()
    await follow_command(command, workflows, FakeIntake())
    [(order, _)] = workflows.taken
    assert (order.home_cohort_id, order.left_at) == ("", None)


async def test_a_decision_about_a_request_whose_workflow_has_ended_changes_nothing() -> None:
    workflows = FakeWorkflows(finished={a_request_id()})
    command = a_command(DeadlineExtended())
    assert await follow_command(command, workflows, FakeIntake()) is Followed.ENDED
    assert workflows.taken == []


async def test_a_decision_older_than_temporals_memory_begins_nothing_that_has_ended() -> None:
    intake, workflows = FakeIntake(), FakeWorkflows()
    intake.knows(a_request_id(), members=1, open_members=0)
    command = a_command(DeadlineExtended())
    followed = await follow_command(command, workflows, intake, after_days=31)
    assert (followed, workflows.taken) == (Followed.ENDED, [])
    intake.knows(a_request_id(), members=1, open_members=1)
    followed = await follow_command(command, workflows, intake, after_days=31)
    assert (followed, len(workflows.taken)) == (Followed.DELIVERED, 1)


async def test_an_old_decision_about_what_intake_does_not_know_is_refused() -> None:
    command = a_command(DeadlineExtended())
    with pytest.raises(RejectedInput) as raised:
        await follow_command(command, FakeWorkflows(), FakeIntake(), after_days=31)
    assert raised.value.reason == "unknown_cohort"


async def test_a_decision_waits_for_temporal() -> None:
    workflows = FakeWorkflows()
    workflows.away.is_away = True
    with pytest.raises(Unavailable):
        await follow_command(a_command(DeadlineExtended()), workflows, FakeIntake())
