"""Rights, dispositions, and the one table of which right may be answered with what."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ANSWERS", "CONFIRMING", "STOPPING", "Disposition", "Right"]


class Right(StrEnum):
    """What a data subject asks for."""

    ACCESS = "access"
    DELETION = "deletion"
    CORRECTION = "correction"
    OPT_OUT = "opt_out"


class Disposition(StrEnum):
    """What a system's answer means for its obligation."""

    RECEIVED = "received"
    IN_PROGRESS = "in_progress"
    ERASED = "erased"
    DELIVERED = "delivered"
    NOT_FOUND = "not_found"
    EXEMPT = "exempt"
    PARTIALLY_EXEMPT = "partially_exempt"
    FAILED = "failed"
    UNRESOLVABLE = "unresolvable"
    STOPPED = "stopped"
    TOO_LATE = "too_late"
    CORRECTED = "corrected"
    ALREADY_RIGHT = "already_right"
    INFORMED = "informed"
    ABSENT = "absent"
    """The system has looked again after its erasure, and holds nothing."""

    PRESENT = "present"
    """The system has looked again after its erasure, and something is there."""


_D = Disposition

CONFIRMING: dict[Right, frozenset[Disposition]] = {
    Right.ACCESS: frozenset({_D.DELIVERED, _D.NOT_FOUND, _D.EXEMPT, _D.PARTIALLY_EXEMPT}),
    Right.DELETION: frozenset(
        {_D.ERASED, _D.ABSENT, _D.NOT_FOUND, _D.EXEMPT, _D.PARTIALLY_EXEMPT, _D.INFORMED}
    ),
    Right.CORRECTION: frozenset(
        {_D.CORRECTED, _D.ALREADY_RIGHT, _D.NOT_FOUND, _D.EXEMPT, _D.INFORMED}
    ),
    Right.OPT_OUT: frozenset({_D.INFORMED, _D.NOT_FOUND}),
}
"""The dispositions that end an obligation under each right."""

_NOT_CONFIRMING = frozenset({_D.RECEIVED, _D.IN_PROGRESS, _D.FAILED, _D.UNRESOLVABLE})

STOPPING = frozenset({_D.STOPPED, _D.TOO_LATE})
"""The dispositions that end an obligation, too, while its request is being stopped."""

ANSWERS: dict[Right, frozenset[Disposition]] = {
    right: confirming | _NOT_CONFIRMING | STOPPING for right, confirming in CONFIRMING.items()
} | {Right.DELETION: CONFIRMING[Right.DELETION] | _NOT_CONFIRMING | STOPPING | {_D.PRESENT}}
"""Every disposition that a system may answer with under each right."""
