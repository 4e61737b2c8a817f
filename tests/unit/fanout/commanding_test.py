"""Commanding: a command reaches its workflow, waits for it, or finds that it has ended."""

from __future__ import annotations

import pytest
from unit.fanout.fanout_fakes import FakeIntake, FakeWorkflows

from dsr_core.errors import RejectedInput, Unavailable
from dsr_fanout.application.commanding import Commanding, Followed
from dsr_wire.codec.commands import IdentityVerified
from support.builders import NOW, a_proof_command, days


async def follow(
    workflows: FakeWorkflows, intake: FakeIntake, *, after_days: float = 0
) -> Followed:
    commanding = Commanding(workflows=workflows, intake=intake)
    return await commanding.follow(a_proof_command(), at=NOW + days(after_days))


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
    intake = FakeIntake()
    intake.knows(a_proof_command().cohort_id, members=1, open_members=1)
    with pytest.raises(RejectedInput) as raised:
        await follow(FakeWorkflows(), intake, after_days=1)
    assert raised.value.reason == "no_workflow"


async def test_a_command_after_the_end_changes_nothing() -> None:
    intake = FakeIntake()
    intake.knows(a_proof_command().cohort_id, members=1, open_members=0)
    assert await follow(FakeWorkflows(), intake) is Followed.ENDED


async def test_a_command_for_a_cohort_that_nobody_accepted_is_refused() -> None:
    with pytest.raises(RejectedInput) as raised:
        await follow(FakeWorkflows(), FakeIntake())
    assert raised.value.reason == "unknown_cohort"
