"""The bounds that the application keeps to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much, and how long."""

    answers_per_batch: int = 10_000
    """Answers in one signed batch at most."""

    registry_wait_s: float = 30.0
    """How long a message waits for a registry version, or for the first keys of a system."""

    parked_per_system: int = 100_000
    """Answers to unknown requests that are kept for one system at most; true answers beyond it are lost
    to the dead letters, so it is a bound on abuse and not on a busy day's overtaking."""

    parked_for: timedelta = timedelta(hours=24)
    """How long an answer waits for its obligation."""

    changes_for: timedelta = timedelta(days=1)
    """How long the change feed reaches back."""
