"""What was promised of a subject request, for those who count whether it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_core.rights import Right

__all__ = ["OpenRequests", "Promise"]


@dataclass(frozen=True, slots=True)
class Promise:
    """By which law a request is to be answered, and by when."""

    right: Right
    regime: str
    received_at: datetime
    accepted_at: datetime
    due_at: datetime | None
    """None while the clock stands still: an answer is in time then."""


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """How many open requests of one right and regime have their date in one stretch of time."""

    right: str
    regime: str
    place: int
    """Between which two of the bounds that were asked for; zero lies before the first."""

    members: int
    oldest: datetime
    """When the one that waits longest was received."""
