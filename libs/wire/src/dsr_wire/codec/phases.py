"""PhaseConfirmed: what the verifier tells fanout of a cohort's plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import phases_pb2
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId
from dsr_core.phases import COHORT_PHASES_LIMIT
from dsr_wire.codec.fields import time_from_wire, time_to_wire, uuid_text

__all__ = ["ConfirmedPhase", "phase_confirmed_from_wire", "phase_confirmed_to_wire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedPhase:
    """Every open member of a cohort has confirmed a phase, and those before it."""

    cohort_id: CohortId
    phase: int
    confirmed_at: datetime


def phase_confirmed_to_wire(confirmed: ConfirmedPhase) -> phases_pb2.PhaseConfirmed:
    """Return what is said of a phase as a message."""
    return phases_pb2.PhaseConfirmed(
        cohort_id=confirmed.cohort_id,
        phase=confirmed.phase,
        confirmed_at=time_to_wire(confirmed.confirmed_at),
    )


def phase_confirmed_from_wire(message: phases_pb2.PhaseConfirmed) -> ConfirmedPhase:
    """Return what a message says of a phase.

    Raises:
        RejectedInput: A field is missing or wrong.
    """
    if message.phase >= COHORT_PHASES_LIMIT:
        detail = f"there are {COHORT_PHASES_LIMIT} phases at most"
        raise RejectedInput("invalid_field", detail, field="phase")
    return ConfirmedPhase(
        cohort_id=CohortId(uuid_text(message.cohort_id, field="cohort_id")),
        phase=message.phase,
        confirmed_at=time_from_wire(message.confirmed_at, field="confirmed_at"),
    )
