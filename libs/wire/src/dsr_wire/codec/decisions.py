"""What people decide about one subject request: told to fanout as commands, to the verifier as amendments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsr_contracts.v1 import commands_pb2
from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput
from dsr_core.ids import SystemId
from dsr_core.rights import Disposition
from dsr_wire.codec.closures import outcome_from_wire, outcome_to_wire
from dsr_wire.codec.fields import (
    disposition_from_wire,
    disposition_to_wire,
    short,
    slug,
    storable,
    uuid_text,
)

__all__ = [
    "ENDINGS",
    "HoldLifted",
    "HoldPlaced",
    "IdentityExpanded",
    "ObligationSettled",
    "Stopped",
    "hold_lifted_from_wire",
    "hold_lifted_to_wire",
    "hold_placed_from_wire",
    "hold_placed_to_wire",
    "identity_expanded_from_wire",
    "identity_expanded_to_wire",
    "settled_from_wire",
    "settled_to_wire",
    "stopped_from_wire",
    "stopped_to_wire",
]

ENDINGS = frozenset({Outcome.WITHDRAWN, Outcome.REFUSED, Outcome.REFERRED})
"""How a request ends that is not followed."""

_SYSTEMS_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Stopped:
    """The request ends without being followed."""

    outcome: Outcome
    """One of `ENDINGS`."""


@dataclass(frozen=True, slots=True)
class HoldPlaced:
    """A legal hold suspends erasure."""

    hold_id: str
    system_ids: tuple[SystemId, ...] = ()
    """The systems it covers, sorted; empty means all of them."""


@dataclass(frozen=True, slots=True)
class HoldLifted:
    """A legal hold is over."""

    hold_id: str


@dataclass(frozen=True, slots=True)
class IdentityExpanded:
    """More identifiers of the person are known."""

    system_ids: tuple[SystemId, ...]
    """The systems that are told anew, sorted; at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligationSettled:
    """Two people have answered in place of a system."""

    system_id: SystemId
    disposition: Disposition
    proposed_by: str
    approved_by: str
    reason: str
    """Why, without personal data."""


def stopped_to_wire(one: Stopped) -> commands_pb2.Stopped:
    """Return an ending as a message."""
    return commands_pb2.Stopped(outcome=outcome_to_wire(one.outcome))


def stopped_from_wire(message: commands_pb2.Stopped) -> Stopped:
    """Return the ending that a message holds, or refuse one that only systems bring about."""
    outcome = outcome_from_wire(message.outcome)
    if outcome not in ENDINGS:
        detail = f"{outcome} is not how a request ends that is not followed"
        raise RejectedInput("invalid_field", detail, field="outcome")
    return Stopped(outcome)


def hold_placed_to_wire(one: HoldPlaced) -> commands_pb2.HoldPlaced:
    """Return a hold as a message."""
    return commands_pb2.HoldPlaced(hold_id=one.hold_id, system_ids=one.system_ids)


def hold_placed_from_wire(message: commands_pb2.HoldPlaced) -> HoldPlaced:
    """Return the hold that a message holds, or refuse it."""
    return HoldPlaced(uuid_text(message.hold_id, field="hold_id"), _system_ids(message.system_ids))


def identity_expanded_to_wire(one: IdentityExpanded) -> commands_pb2.IdentityExpanded:
    """Return that more identifiers are known as a message."""
    return commands_pb2.IdentityExpanded(system_ids=one.system_ids)


def identity_expanded_from_wire(message: commands_pb2.IdentityExpanded) -> IdentityExpanded:
    """Return which systems are told anew, or refuse where none is named."""
    if not message.system_ids:
        raise RejectedInput("invalid_field", "system_ids is empty", field="system_ids")
    return IdentityExpanded(_system_ids(message.system_ids))


def _system_ids(values: Sequence[str]) -> tuple[SystemId, ...]:
    if len(values) > _SYSTEMS_LIMIT:
        detail = f"system_ids has more than {_SYSTEMS_LIMIT:,}"
        raise RejectedInput("invalid_field", detail, field="system_ids")
    return tuple(sorted({SystemId(slug(one, field="system_ids")) for one in values}))


def hold_lifted_to_wire(one: HoldLifted) -> commands_pb2.HoldLifted:
    """Return the end of a hold as a message."""
    return commands_pb2.HoldLifted(hold_id=one.hold_id)


def hold_lifted_from_wire(message: commands_pb2.HoldLifted) -> HoldLifted:
    """Return the end of a hold that a message holds, or refuse it."""
    return HoldLifted(uuid_text(message.hold_id, field="hold_id"))


def settled_to_wire(one: ObligationSettled) -> commands_pb2.ObligationSettled:
    """Return an answer by two people as a message."""
    return commands_pb2.ObligationSettled(
        system_id=one.system_id,
        disposition=disposition_to_wire(one.disposition),
        proposed_by=one.proposed_by,
        approved_by=one.approved_by,
        reason=one.reason,
    )


def settled_from_wire(message: commands_pb2.ObligationSettled) -> ObligationSettled:
    """Return the answer that a message holds, or refuse it; one person alone is refused."""
    proposed_by = short(message.proposed_by, field="proposed_by")
    approved_by = short(message.approved_by, field="approved_by")
    if proposed_by == approved_by:
        detail = "who proposes an answer does not approve it"
        raise RejectedInput("invalid_field", detail, field="approved_by")
    return ObligationSettled(
        system_id=SystemId(slug(message.system_id, field="system_id")),
        disposition=disposition_from_wire(message.disposition),
        proposed_by=proposed_by,
        approved_by=approved_by,
        reason=storable(message.reason, field="reason"),
    )
