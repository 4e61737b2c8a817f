"""Commands and escalations on the wire: read as written, and refused by the field that is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsr_contracts.v1 import commands_pb2, escalations_pb2
from dsr_core.errors import RejectedInput
from dsr_core.law.rules import TierAction
from dsr_wire.codec.commands import command_from_wire, identity_verified_to_wire
from dsr_wire.codec.escalations import escalation_from_wire, escalation_to_wire
from support.builders import a_proof_command, an_escalation


def test_a_proof_is_read_as_it_was_written() -> None:
    command = a_proof_command()
    assert command_from_wire(identity_verified_to_wire(command)) == command


@pytest.mark.parametrize("action", TierAction)
def test_an_escalation_is_read_as_it_was_written(action: TierAction) -> None:
    one = an_escalation(action=action)
    assert escalation_from_wire(escalation_to_wire(one)) == one


def test_a_command_that_is_not_followed_yet_is_refused_by_name() -> None:
    message = identity_verified_to_wire(a_proof_command())
    message.withdrawn.SetInParent()
    with pytest.raises(RejectedInput, match="withdrawn is not followed"):
        command_from_wire(message)
    with pytest.raises(RejectedInput, match="an absent command"):
        command_from_wire(commands_pb2.SubjectRequestCommand())


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
    message = identity_verified_to_wire(a_proof_command())
    spoil(message)
    with pytest.raises(RejectedInput) as raised:
        command_from_wire(message)
    assert raised.value.field == field


def test_an_escalation_without_an_action_is_refused() -> None:
    message = escalation_to_wire(an_escalation())
    message.action = escalations_pb2.Escalation().action
    with pytest.raises(RejectedInput) as raised:
        escalation_from_wire(message)
    assert raised.value.field == "action"
