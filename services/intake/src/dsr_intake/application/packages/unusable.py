"""Unusable exports: what the owner of a system is told whose export a package cannot take in."""

from __future__ import annotations

import uuid
from datetime import datetime

from dsr_core.ids import OrganisationId
from dsr_core.law.rules import TierAction
from dsr_intake.application.forming import SOURCE
from dsr_intake.application.packages.assembling import BadExport
from dsr_intake.model import RequestView
from dsr_wire.codec.escalations import (
    Escalation,
    MissingSystem,
    UnusableExport,
    escalation_to_wire,
)
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import ESCALATIONS

__all__ = ["unusable_told"]

_EVENTS = uuid.UUID("0b7f4c1e-6d35-5a8e-8f0a-52c9e1d7a364")
"""The namespace of the ids of what is told here: the same fault has the same id for ever."""


def unusable_told(
    one: RequestView, fault: BadExport, owner: OrganisationId, *, at: datetime
) -> Outgoing:
    """Return the record that calls for the owner of a system."""
    escalation = Escalation(
        cohort_id=one.cohort_id,
        right=one.right,
        regime=one.regime,
        due_at=one.due_at,
        action=TierAction.ESCALATE_TO_ORGANISATION,
        escalated_at=at,
        missing=(MissingSystem(fault.system_id, owner, 1),),
        unusable=UnusableExport(one.request_id, fault.reason),
    )
    return encode(
        escalation_to_wire(escalation),
        topic=ESCALATIONS.name,
        key=one.cohort_id,
        event_id=str(uuid.uuid5(_EVENTS, f"{one.request_id}/{fault.system_id}/{fault.reason}")),
        source=SOURCE,
        at=at,
    )
