"""Commands: what a person decided about one subject request, on its way from intake to fanout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import commands_pb2
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, RequestId
from dsr_wire.codec.fields import number, text, time_from_wire, time_to_wire, uuid_text
from dsr_wire.codec.requests import DatedTier, tiers_from_wire, tiers_to_wire

__all__ = ["IdentityVerified", "command_from_wire", "identity_verified_to_wire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityVerified:
    """It is proven who asks, so systems may be asked."""

    cohort_id: CohortId
    request_id: RequestId
    revision: int
    """Counts the commands of one request from 1."""

    effective_at: datetime
    recorded_at: datetime
    method: str
    due_at: datetime
    tiers: tuple[DatedTier, ...]


def identity_verified_to_wire(command: IdentityVerified) -> commands_pb2.SubjectRequestCommand:
    """Return a proof of identity as a message."""
    return commands_pb2.SubjectRequestCommand(
        cohort_id=command.cohort_id,
        request_id=command.request_id,
        revision=command.revision,
        effective_at=time_to_wire(command.effective_at),
        recorded_at=time_to_wire(command.recorded_at),
        identity_verified=commands_pb2.IdentityVerified(
            method=command.method,
            due_at=time_to_wire(command.due_at),
            tiers=tiers_to_wire(command.tiers),
        ),
    )


def command_from_wire(message: commands_pb2.SubjectRequestCommand) -> IdentityVerified:
    """Return the command that a message holds.

    Raises:
        RejectedInput: A field is missing or wrong, or the command is none that is followed yet.
    """
    which = message.WhichOneof("command")
    if which != "identity_verified":
        detail = f"{which or 'an absent command'} is not followed"
        raise RejectedInput("unknown_command", detail, field="command")
    return IdentityVerified(
        cohort_id=CohortId(uuid_text(message.cohort_id, field="cohort_id")),
        request_id=RequestId(uuid_text(message.request_id, field="request_id")),
        revision=number(message.revision, field="revision"),
        effective_at=time_from_wire(message.effective_at, field="effective_at"),
        recorded_at=time_from_wire(message.recorded_at, field="recorded_at"),
        method=text(message.identity_verified.method, field="method"),
        due_at=time_from_wire(message.identity_verified.due_at, field="due_at"),
        tiers=tiers_from_wire(message.identity_verified.tiers),
    )
