"""Commands and escalations on the wire: read as written, and refused by the field that is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsr_contracts.v1 import commands_pb2, escalations_pb2
from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, OrganisationId, SystemId
from dsr_core.law.rules import TierAction
from dsr_core.rights import Disposition
from dsr_wire.codec.amendments import (
    Change,
    DueDateMoved,
    LeftCohort,
    PlanChanged,
    Succession,
    amendment_from_wire,
    amendment_to_wire,
)
from dsr_wire.codec.closures import outcome_to_wire
from dsr_wire.codec.commands import (
    ClarificationAsked,
    ClarificationGiven,
    DeadlineExtended,
    Decision,
    command_from_wire,
    command_to_wire,
)
from dsr_wire.codec.decisions import ENDINGS, HoldLifted, HoldPlaced, ObligationSettled, Stopped
from dsr_wire.codec.escalations import (
    UnusableExport,
    escalation_from_wire,
    escalation_to_wire,
)
from support.builders import (
    NOW,
    a_cohort_id,
    a_command,
    a_proof_command,
    a_request_id,
    an_amendment,
    an_escalation,
    days,
)


def test_a_proof_is_read_as_it_was_written() -> None:
    command = a_proof_command()
    assert command_from_wire(command_to_wire(command)) == command


@pytest.mark.parametrize("action", TierAction)
def test_an_escalation_is_read_as_it_was_written(action: TierAction) -> None:
    one = an_escalation(action=action)
    assert escalation_from_wire(escalation_to_wire(one)) == one


DECISIONS: list[Decision] = [
    *(Stopped(outcome) for outcome in sorted(ENDINGS)),
    HoldPlaced(str(a_request_id(7))),
    HoldPlaced(str(a_request_id(7)), (SystemId("billing"), SystemId("crm"))),
    HoldLifted(str(a_request_id(7))),
    DeadlineExtended(),
    ObligationSettled(
        system_id=SystemId("billing"),
        disposition=Disposition.ERASED,
        proposed_by="operator-1",
        approved_by="operator-2",
        reason="the system was switched off, its disks are destroyed",
    ),
    ClarificationAsked(),
    ClarificationGiven(),
]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda one: type(one).__name__)
def test_a_decision_is_read_as_it_was_written(decision: Decision) -> None:
    command = a_command(decision)
    assert command_from_wire(command_to_wire(command)) == command


CHANGES: list[Change] = [
    LeftCohort(CohortId(a_request_id())),
    DueDateMoved(NOW + days(90)),
    PlanChanged("d" * 64, ((SystemId("crm"), OrganisationId("acme")),), (SystemId("billing"),)),
    PlanChanged(
        "d" * 64,
        (),
        (),
        (Succession(SystemId("old"), SystemId("crm"), OrganisationId("acme"), NOW),),
    ),
    *(one for one in DECISIONS if isinstance(one, Change)),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: type(one).__name__)
def test_an_amendment_is_read_as_it_was_written(change: Change) -> None:
    one = an_amendment(change)
    assert amendment_from_wire(amendment_to_wire(one)) == one


def test_what_is_newer_than_this_version_is_refused_by_name() -> None:
    message = command_to_wire(a_proof_command())
    message.ClearField("identity_verified")
    with pytest.raises(RejectedInput, match="unknown_command"):
        command_from_wire(message)
    amended = amendment_to_wire(an_amendment(CHANGES[0]))
    amended.ClearField("left_cohort")
    with pytest.raises(RejectedInput, match="unknown_amendment"):
        amendment_from_wire(amended)


def test_one_person_alone_settles_nothing() -> None:
    message = command_to_wire(a_command(DECISIONS[-3]))
    message.obligation_settled.approved_by = message.obligation_settled.proposed_by
    with pytest.raises(RejectedInput) as raised:
        command_from_wire(message)
    assert raised.value.field == "approved_by"


def test_systems_alone_bring_about_that_a_request_is_fulfilled() -> None:
    message = command_to_wire(a_command(DECISIONS[0]))
    message.stopped.outcome = outcome_to_wire(Outcome.FULFILLED)
    with pytest.raises(RejectedInput) as raised:
        command_from_wire(message)
    assert raised.value.field == "outcome"


@pytest.mark.parametrize("cohort", [a_cohort_id(), CohortId(a_request_id(2))])
def test_a_request_goes_on_alone_under_its_own_id_only(cohort: CohortId) -> None:
    message = command_to_wire(a_command(DECISIONS[0]))
    message.alone.cohort_id = cohort
    with pytest.raises(RejectedInput) as raised:
        command_from_wire(message)
    assert raised.value.field == "alone"


def _no_method(message: commands_pb2.SubjectRequestCommand) -> None:
    message.identity_verified.method = ""


def _no_date(message: commands_pb2.SubjectRequestCommand) -> None:
    message.identity_verified.ClearField("due_at")


def _no_request(message: commands_pb2.SubjectRequestCommand) -> None:
    message.request_id = "nobody"


def _unknown_tier(message: commands_pb2.SubjectRequestCommand) -> None:
    message.identity_verified.tiers[0].action = 99


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (_no_method, "method"),
        (_no_date, "due_at"),
        (_no_request, "request_id"),
        (_unknown_tier, "action"),
    ],
)
def test_a_spoilt_command_is_refused_by_its_field(
    spoil: Callable[[commands_pb2.SubjectRequestCommand], None], field: str
) -> None:
    message = command_to_wire(a_proof_command())
    spoil(message)
    with pytest.raises(RejectedInput) as raised:
        command_from_wire(message)
    assert raised.value.field == field


def test_an_escalation_of_an_unusable_export_is_read_as_it_was_written() -> None:
    one = an_escalation(unusable=UnusableExport(a_request_id(), "wrong_digest"))
    assert escalation_from_wire(escalation_to_wire(one)) == one


@pytest.mark.parametrize("field", ["request_id", "reason"])
def test_an_unusable_export_of_which_something_is_missing_is_refused(field: str) -> None:
    one = an_escalation(unusable=UnusableExport(a_request_id(), "wrong_digest"))
    message = escalation_to_wire(one)
    message.unusable.ClearField(field)
    with pytest.raises(RejectedInput) as raised:
        escalation_from_wire(message)
    assert raised.value.field == f"unusable.{field}"


def test_an_escalation_without_an_action_is_refused() -> None:
    message = escalation_to_wire(an_escalation())
    message.action = escalations_pb2.Escalation().action
    with pytest.raises(RejectedInput) as raised:
        escalation_from_wire(message)
    assert raised.value.field == "action"
