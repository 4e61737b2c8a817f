"""Lifecycle: what intake tells fanout and observers of its requests' states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import lifecycle_pb2
from dsr_core.ids import CohortId, RequestId
from dsr_core.lifecycle import State
from dsr_wire.codec.fields import time_from_wire, time_to_wire, uuid_text

__all__ = [
    "StateChange",
    "cohort_answered_from_wire",
    "cohort_answered_to_wire",
    "states_changed_to_wire",
]


@dataclass(frozen=True, slots=True)
class StateChange:
    """One subject request has moved to another state."""

    request_id: RequestId
    state: State
    outcome: str
    changed_at: datetime


def states_changed_to_wire(
    cohort_id: CohortId, changes: Iterable[StateChange]
) -> lifecycle_pb2.RequestStatesChanged:
    """Return changes within one cohort as a message."""
    return lifecycle_pb2.RequestStatesChanged(
        cohort_id=cohort_id,
        changes=[
            lifecycle_pb2.RequestStateChanged(
                request_id=one.request_id,
                state=one.state.value,
                outcome=one.outcome,
                changed_at=time_to_wire(one.changed_at),
            )
            for one in changes
        ],
    )


def cohort_answered_to_wire(
    cohort_id: CohortId, answered_at: datetime
) -> lifecycle_pb2.CohortAnswered:
    """Return the hint that a cohort's last member is answered."""
    return lifecycle_pb2.CohortAnswered(cohort_id=cohort_id, answered_at=time_to_wire(answered_at))


def cohort_answered_from_wire(message: lifecycle_pb2.CohortAnswered) -> CohortId:
    """Return the cohort that the hint is about.

    Raises:
        RejectedInput: A field is missing or wrong.
    """
    time_from_wire(message.answered_at, field="answered_at")
    return CohortId(uuid_text(message.cohort_id, field="cohort_id"))
