"""How requests end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, RequestId
from dsr_core.lifecycle import State
from dsr_intake.model.letters import LetterKind
from dsr_intake.model.promises import Promise

__all__ = ["Answer", "Known"]


class Known(NamedTuple):
    """What is stored of a request that is to be closed or answered."""

    cohort_id: CohortId
    state: State
    letters: bool = False
    outcome: Outcome | None = None
    closed_at: datetime | None = None
    promise: Promise | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A request moves to its end: it is closed with a letter to be sent, or answered."""

    request_id: RequestId
    cohort_id: CohortId
    state: State
    outcome: Outcome
    closed_at: datetime
    answered_at: datetime | None
    """None where the letter that answers is still to be sent."""

    letter: LetterKind | None = None
    """The letter that is written with it."""

    was_closed: bool = False
    """It was closed before, and is answered now."""

    is_repeat: bool = False
    """It is a duplicate, and ends with the request that it repeats."""

    promise: Promise | None = None
    """None where it ends as it is accepted: nothing was promised then."""
