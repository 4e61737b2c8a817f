"""Commands: what a person decided about one subject request, on its way from intake to fanout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import commands_pb2
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, RequestId
from dsr_wire.codec.decisions import (
    HoldLifted,
    HoldPlaced,
    IdentityExpanded,
    ObligationSettled,
    Stopped,
    hold_lifted_from_wire,
    hold_lifted_to_wire,
    hold_placed_from_wire,
    hold_placed_to_wire,
    identity_expanded_from_wire,
    identity_expanded_to_wire,
    settled_from_wire,
    settled_to_wire,
    stopped_from_wire,
    stopped_to_wire,
)
from dsr_wire.codec.fields import number, text, time_from_wire, time_to_wire, uuid_text
from dsr_wire.codec.requests import (
    AcceptedCohort,
    DatedTier,
    cohort_accepted_from_wire,
    cohort_accepted_to_wire,
    tiers_from_wire,
    tiers_to_wire,
)

__all__ = [
    "ClarificationAsked",
    "ClarificationGiven",
    "Command",
    "DeadlineExtended",
    "Decision",
    "IdentityVerified",
    "command_from_wire",
    "command_to_wire",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityVerified:
    """It is proven who asks, so systems may be asked."""

    method: str
    due_at: datetime
    tiers: tuple[DatedTier, ...]


@dataclass(frozen=True, slots=True)
class DeadlineExtended:
    """The answer may come later; the new dates are in the command's `alone`."""


@dataclass(frozen=True, slots=True)
class ClarificationAsked:
    """The person was asked what exactly is meant; the dates are in the command's `alone`."""


@dataclass(frozen=True, slots=True)
class ClarificationGiven:
    """The person has said what is meant; the dates are in the command's `alone`."""


Decision = (
    IdentityVerified
    | Stopped
    | HoldPlaced
    | HoldLifted
    | DeadlineExtended
    | ObligationSettled
    | ClarificationAsked
    | ClarificationGiven
    | IdentityExpanded
)
"""What can be decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something that a person decided about one subject request."""

    cohort_id: CohortId
    """The cohort that the request was accepted in."""

    request_id: RequestId
    revision: int
    """Counts the commands of one request from 1."""

    effective_at: datetime
    """When the fact became true, which can be before it was recorded."""

    recorded_at: datetime
    decision: Decision
    alone: AcceptedCohort | None = None
    """The request as a cohort of one, with its dates from now on; none for a proof of identity only."""


def command_to_wire(command: Command) -> commands_pb2.SubjectRequestCommand:
    """Return a command as a message."""
    message = commands_pb2.SubjectRequestCommand(
        cohort_id=command.cohort_id,
        request_id=command.request_id,
        revision=command.revision,
        effective_at=time_to_wire(command.effective_at),
        recorded_at=time_to_wire(command.recorded_at),
        alone=cohort_accepted_to_wire(command.alone) if command.alone else None,
    )
    match command.decision:
        case IdentityVerified() as one:
            message.identity_verified.method = one.method
            message.identity_verified.due_at.CopyFrom(time_to_wire(one.due_at))
            message.identity_verified.tiers.extend(tiers_to_wire(one.tiers))
        case Stopped() as one:
            message.stopped.CopyFrom(stopped_to_wire(one))
        case HoldPlaced() as one:
            message.hold_placed.CopyFrom(hold_placed_to_wire(one))
        case HoldLifted() as one:
            message.hold_lifted.CopyFrom(hold_lifted_to_wire(one))
        case ObligationSettled() as one:
            message.obligation_settled.CopyFrom(settled_to_wire(one))
        case IdentityExpanded() as one:
            message.identity_expanded.CopyFrom(identity_expanded_to_wire(one))
        case DeadlineExtended():
            message.deadline_extended.SetInParent()
        case ClarificationAsked():
            message.clarification_asked.SetInParent()
        case ClarificationGiven():
            message.clarification_given.SetInParent()
    return message


def command_from_wire(message: commands_pb2.SubjectRequestCommand) -> Command:
    """Return the command that a message holds.

    Raises:
        RejectedInput: A field is missing or wrong, or the command is none that this version follows.
    """
    request_id = RequestId(uuid_text(message.request_id, field="request_id"))
    decision = _decision(message)
    alone: AcceptedCohort | None = None
    if not isinstance(decision, IdentityVerified):
        alone = cohort_accepted_from_wire(message.alone)
        if alone.cohort_id != CohortId(request_id) or alone.request_ids != (request_id,):
            detail = "alone must be the cohort of one that bears the request's id"
            raise RejectedInput("invalid_field", detail, field="alone")
    return Command(
        cohort_id=CohortId(uuid_text(message.cohort_id, field="cohort_id")),
        request_id=request_id,
        revision=number(message.revision, field="revision"),
        effective_at=time_from_wire(message.effective_at, field="effective_at"),
        recorded_at=time_from_wire(message.recorded_at, field="recorded_at"),
        decision=decision,
        alone=alone,
    )


def _decision(message: commands_pb2.SubjectRequestCommand) -> Decision:
    read = _READ.get(message.WhichOneof("command") or "")
    if read is None:
        detail = "the command is absent, or newer than this version"
        raise RejectedInput("unknown_command", detail, field="command")
    return read(message)


def _proof(message: commands_pb2.IdentityVerified) -> IdentityVerified:
    return IdentityVerified(
        method=text(message.method, field="method"),
        due_at=time_from_wire(message.due_at, field="due_at"),
        tiers=tiers_from_wire(message.tiers),
    )


_READ: dict[str, Callable[[commands_pb2.SubjectRequestCommand], Decision]] = {
    "identity_verified": lambda message: _proof(message.identity_verified),
    "stopped": lambda message: stopped_from_wire(message.stopped),
    "hold_placed": lambda message: hold_placed_from_wire(message.hold_placed),
    "hold_lifted": lambda message: hold_lifted_from_wire(message.hold_lifted),
    "obligation_settled": lambda message: settled_from_wire(message.obligation_settled),
    "identity_expanded": lambda message: identity_expanded_from_wire(message.identity_expanded),
    "deadline_extended": lambda _: DeadlineExtended(),
    "clarification_asked": lambda _: ClarificationAsked(),
    "clarification_given": lambda _: ClarificationGiven(),
}
"""How each command is read."""
