"""Escalations: what is told when somebody is missing as a legal date comes near, has not decided, or erred."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import escalations_pb2
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.law.rules import TierAction
from dsr_core.rights import Right
from dsr_wire.codec.fields import (
    right_from_wire,
    right_to_wire,
    short,
    slug,
    text,
    time_from_wire,
    time_to_wire,
    uuid_text,
)
from dsr_wire.codec.requests import action_from_wire, action_to_wire

__all__ = [
    "Escalation",
    "MissingSystem",
    "UnusableExport",
    "escalation_from_wire",
    "escalation_to_wire",
]


@dataclass(frozen=True, slots=True)
class MissingSystem:
    """A system that has not confirmed."""

    system_id: SystemId
    organisation_id: OrganisationId
    requests: int
    """How many of the cohort's requests it owes."""


@dataclass(frozen=True, slots=True)
class UnusableExport:
    """An export that could not be taken into somebody's package."""

    request_id: RequestId
    reason: str
    """Why, as a code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """A legal date comes near, or has passed, and some systems have not confirmed."""

    cohort_id: CohortId
    right: Right
    regime: str
    due_at: datetime
    action: TierAction
    escalated_at: datetime
    missing: tuple[MissingSystem, ...]
    """Sorted by system; empty where only the answer to the requester is missing."""

    awaits_decision: bool = False
    """It is an appeal that nobody has decided, so that no system was asked."""

    unusable: UnusableExport | None = None
    """What the one system in `missing` has handed over and cannot be used; its answer is there."""

    tier_at: datetime | None = None
    """The moment of the tier that has come; none where no tier calls for it, and from before."""


def escalation_to_wire(one: Escalation) -> escalations_pb2.Escalation:
    """Return an escalation as a message."""
    return escalations_pb2.Escalation(
        cohort_id=one.cohort_id,
        right=right_to_wire(one.right),
        regime=one.regime,
        due_at=time_to_wire(one.due_at),
        action=action_to_wire(one.action),
        escalated_at=time_to_wire(one.escalated_at),
        missing=[
            escalations_pb2.MissingSystem(
                system_id=system.system_id,
                organisation_id=system.organisation_id,
                requests=system.requests,
            )
            for system in one.missing
        ],
        awaits_decision=one.awaits_decision,
        unusable=escalations_pb2.UnusableExport(
            request_id=one.unusable.request_id, reason=one.unusable.reason
        )
        if one.unusable
        else None,
        tier_at=time_to_wire(one.tier_at) if one.tier_at else None,
    )


def escalation_from_wire(message: escalations_pb2.Escalation) -> Escalation:
    """Return the escalation that a message holds.

    Raises:
        RejectedInput: A field is missing or wrong; the detail names it.
    """
    missing = (
        MissingSystem(
            SystemId(slug(one.system_id, field="missing.system_id")),
            OrganisationId(slug(one.organisation_id, field="missing.organisation_id")),
            one.requests,
        )
        for one in message.missing
    )
    return Escalation(
        cohort_id=CohortId(uuid_text(message.cohort_id, field="cohort_id")),
        right=right_from_wire(message.right),
        regime=text(message.regime, field="regime"),
        due_at=time_from_wire(message.due_at, field="due_at"),
        action=action_from_wire(message.action),
        escalated_at=time_from_wire(message.escalated_at, field="escalated_at"),
        missing=tuple(sorted(missing, key=lambda one: one.system_id)),
        awaits_decision=message.awaits_decision,
        unusable=_unusable(message.unusable) if message.HasField("unusable") else None,
        tier_at=time_from_wire(message.tier_at, field="tier_at")
        if message.HasField("tier_at")
        else None,
    )


def _unusable(message: escalations_pb2.UnusableExport) -> UnusableExport:
    return UnusableExport(
        RequestId(uuid_text(message.request_id, field="unusable.request_id")),
        short(message.reason, field="unusable.reason"),
    )
