"""ObligationsAmended: how what is owed for one subject request changes, told by fanout to the verifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import obligations_pb2
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_wire.codec.decisions import (
    HoldLifted,
    HoldPlaced,
    ObligationSettled,
    Stopped,
    hold_lifted_from_wire,
    hold_lifted_to_wire,
    hold_placed_from_wire,
    hold_placed_to_wire,
    settled_from_wire,
    settled_to_wire,
    stopped_from_wire,
    stopped_to_wire,
)
from dsr_wire.codec.fields import (
    number,
    short,
    slug,
    time_from_wire,
    time_to_wire,
    uuid_text,
)

__all__ = [
    "Amendment",
    "Change",
    "DueDateMoved",
    "LeftCohort",
    "PlanChanged",
    "Succession",
    "amendment_from_wire",
    "amendment_to_wire",
]


@dataclass(frozen=True, slots=True)
class LeftCohort:
    """The request goes on as a cohort of one, which bears its id."""

    to_cohort_id: CohortId


@dataclass(frozen=True, slots=True)
class DueDateMoved:
    """The legal date is another one."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class Succession:
    """A system owes the answer of another one; of no effect where that was never asked."""

    retired: SystemId
    successor: SystemId
    organisation_id: OrganisationId
    """Who owns the successor."""

    since: datetime
    """What the successor answered before this does not count."""


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """Another registry version applies."""

    registry_digest: str
    added: tuple[tuple[SystemId, OrganisationId], ...]
    """Systems that must answer as well, each with its owner, sorted."""

    removed: tuple[SystemId, ...]
    """Systems that need not answer any more, sorted."""

    successions: tuple[Succession, ...] = ()
    """By the retired system, sorted."""


Change = (
    LeftCohort | DueDateMoved | PlanChanged | Stopped | HoldPlaced | HoldLifted | ObligationSettled
)
"""What can change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """One change to what is owed for one subject request."""

    cohort_id: CohortId
    """The cohort that the request was accepted in."""

    request_id: RequestId
    revision: int
    """Of the command that it follows from; leaving its cohort comes before all else of that revision."""

    amended_at: datetime
    effective_at: datetime
    change: Change


def amendment_to_wire(one: Amendment) -> obligations_pb2.ObligationsAmended:
    """Return an amendment as a message."""
    message = obligations_pb2.ObligationsAmended(
        cohort_id=one.cohort_id,
        request_id=one.request_id,
        revision=one.revision,
        amended_at=time_to_wire(one.amended_at),
        effective_at=time_to_wire(one.effective_at),
    )
    match one.change:
        case LeftCohort() as change:
            message.left_cohort.to_cohort_id = change.to_cohort_id
        case DueDateMoved() as change:
            message.due_date_moved.due_at.CopyFrom(time_to_wire(change.due_at))
        case PlanChanged() as change:
            message.plan_changed.CopyFrom(_plan_to_wire(change))
        case Stopped() as change:
            message.stopped.CopyFrom(stopped_to_wire(change))
        case HoldPlaced() as change:
            message.hold_placed.CopyFrom(hold_placed_to_wire(change))
        case HoldLifted() as change:
            message.hold_lifted.CopyFrom(hold_lifted_to_wire(change))
        case ObligationSettled() as change:
            message.obligation_settled.CopyFrom(settled_to_wire(change))
    return message


def amendment_from_wire(message: obligations_pb2.ObligationsAmended) -> Amendment:
    """Return the amendment that a message holds.

    Raises:
        RejectedInput: A field is missing or wrong, or the change is none that this version knows.
    """
    return Amendment(
        cohort_id=CohortId(uuid_text(message.cohort_id, field="cohort_id")),
        request_id=RequestId(uuid_text(message.request_id, field="request_id")),
        revision=number(message.revision, field="revision"),
        amended_at=time_from_wire(message.amended_at, field="amended_at"),
        effective_at=time_from_wire(message.effective_at, field="effective_at"),
        change=_change(message),
    )


def _change(message: obligations_pb2.ObligationsAmended) -> Change:
    read = _READ.get(message.WhichOneof("amendment") or "")
    if read is None:
        detail = "the amendment is absent, or newer than this version"
        raise RejectedInput("unknown_amendment", detail, field="amendment")
    return read(message)


def _left_from_wire(message: obligations_pb2.LeftCohort) -> LeftCohort:
    return LeftCohort(CohortId(uuid_text(message.to_cohort_id, field="to_cohort_id")))


def _plan_to_wire(change: PlanChanged) -> obligations_pb2.PlanChanged:
    return obligations_pb2.PlanChanged(
        registry_digest=change.registry_digest,
        added=[
            obligations_pb2.AddressedSystem(system_id=system, organisation_id=organisation)
            for system, organisation in change.added
        ],
        removed_system_ids=change.removed,
        successions=[_succession_to_wire(one) for one in change.successions],
    )


def _succession_to_wire(one: Succession) -> obligations_pb2.Succession:
    return obligations_pb2.Succession(
        retired_system_id=one.retired,
        successor=obligations_pb2.AddressedSystem(
            system_id=one.successor, organisation_id=one.organisation_id
        ),
        since=time_to_wire(one.since),
    )


def _succession_from_wire(message: obligations_pb2.Succession) -> Succession:
    successor = message.successor
    return Succession(
        SystemId(slug(message.retired_system_id, field="retired_system_id")),
        SystemId(slug(successor.system_id, field="successor.system_id")),
        OrganisationId(slug(successor.organisation_id, field="successor.organisation_id")),
        time_from_wire(message.since, field="since"),
    )


def _plan_from_wire(message: obligations_pb2.PlanChanged) -> PlanChanged:
    added = {
        (
            SystemId(slug(one.system_id, field="added.system_id")),
            OrganisationId(slug(one.organisation_id, field="added.organisation_id")),
        )
        for one in message.added
    }
    removed = {
        SystemId(slug(one, field="removed_system_ids")) for one in message.removed_system_ids
    }
    return PlanChanged(
        short(message.registry_digest, field="registry_digest"),
        tuple(sorted(added)),
        tuple(sorted(removed)),
        tuple(sorted(map(_succession_from_wire, message.successions), key=lambda one: one.retired)),
    )


_READ: dict[str, Callable[[obligations_pb2.ObligationsAmended], Change]] = {
    "left_cohort": lambda message: _left_from_wire(message.left_cohort),
    "due_date_moved": lambda message: DueDateMoved(
        time_from_wire(message.due_date_moved.due_at, field="due_at")
    ),
    "plan_changed": lambda message: _plan_from_wire(message.plan_changed),
    "stopped": lambda message: stopped_from_wire(message.stopped),
    "hold_placed": lambda message: hold_placed_from_wire(message.hold_placed),
    "hold_lifted": lambda message: hold_lifted_from_wire(message.hold_lifted),
    "obligation_settled": lambda message: settled_from_wire(message.obligation_settled),
}
"""How each amendment is read."""
