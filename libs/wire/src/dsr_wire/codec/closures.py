"""Closures: what the verifier tells everyone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import closures_pb2
from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, RequestId
from dsr_core.rights import Right
from dsr_wire.codec.fields import (
    right_from_wire,
    right_to_wire,
    text,
    time_from_wire,
    time_to_wire,
    uuid_text,
)

__all__ = [
    "Closure",
    "closures_from_wire",
    "closures_to_wire",
    "outcome_from_wire",
    "outcome_to_wire",
]

_OUTCOME_TO_WIRE: dict[Outcome, closures_pb2.Outcome] = {
    one: getattr(closures_pb2, f"OUTCOME_{one.name}") for one in Outcome
}
_OUTCOME_FROM_WIRE: dict[int, Outcome] = {number: one for one, number in _OUTCOME_TO_WIRE.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """The verifier's record that a subject request is closed."""

    request_id: RequestId
    cohort_id: CohortId
    right: Right
    outcome: Outcome
    closed_at: datetime
    obligations: int
    evidence_digest: bytes
    registry_digest: str


def outcome_to_wire(outcome: Outcome) -> closures_pb2.Outcome:
    """Return the number that stands for an outcome."""
    return _OUTCOME_TO_WIRE[outcome]


def outcome_from_wire(number: int) -> Outcome:
    """Return the outcome that a number stands for, or refuse it."""
    outcome = _OUTCOME_FROM_WIRE.get(number)
    if outcome is None:
        raise RejectedInput("invalid_field", "outcome is unspecified or unknown", field="outcome")
    return outcome


def closures_to_wire(cohort_id: CohortId, closures: Iterable[Closure]) -> closures_pb2.Closures:
    """Return the closures of one cohort as a message."""
    return closures_pb2.Closures(
        cohort_id=cohort_id,
        closures=[
            closures_pb2.Closure(
                request_id=one.request_id,
                right=right_to_wire(one.right),
                outcome=outcome_to_wire(one.outcome),
                closed_at=time_to_wire(one.closed_at),
                obligations=one.obligations,
                evidence_digest=one.evidence_digest,
                registry_digest=one.registry_digest,
            )
            for one in closures
        ],
    )


def closures_from_wire(message: closures_pb2.Closures) -> tuple[Closure, ...]:
    """Return the closures that a message holds.

    Raises:
        RejectedInput: A field is missing or wrong.
    """
    cohort_id = CohortId(uuid_text(message.cohort_id, field="cohort_id"))
    if not message.closures:
        raise RejectedInput("invalid_field", "closures is empty", field="closures")
    return tuple(_closure(cohort_id, one) for one in message.closures)


def _closure(cohort_id: CohortId, message: closures_pb2.Closure) -> Closure:
    outcome = outcome_from_wire(message.outcome)
    if message.obligations < 1:
        raise RejectedInput("invalid_field", "obligations is zero", field="obligations")
    if len(message.evidence_digest) != hashlib.sha256().digest_size:
        detail = "evidence_digest is not a SHA-256"
        raise RejectedInput("invalid_field", detail, field="evidence_digest")
    return Closure(
        request_id=RequestId(uuid_text(message.request_id, field="request_id")),
        cohort_id=cohort_id,
        right=right_from_wire(message.right),
        outcome=outcome,
        closed_at=time_from_wire(message.closed_at, field="closed_at"),
        obligations=message.obligations,
        evidence_digest=message.evidence_digest,
        registry_digest=text(message.registry_digest, field="registry_digest"),
    )
