"""The states of a subject request, as one table.

Everything about transitions lives here. Who moves a request is not this module's concern.
"""

from __future__ import annotations

from enum import StrEnum

from dsr_core.errors import RuleViolation

__all__ = ["TRANSITIONS", "Event", "State", "advance"]


class State(StrEnum):
    """Where a subject request stands."""

    OPEN = "open"
    """Accepted; systems are being asked."""

    CLOSED = "closed"
    """Every system has confirmed; the answer to the requester is being made."""

    ANSWERED = "answered"
    """The requester has the answer; the identity's key is destroyed."""


class Event(StrEnum):
    """What moves a subject request."""

    CLOSE = "close"
    ANSWER = "answer"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.OPEN, Event.CLOSE): State.CLOSED,
    (State.CLOSED, Event.ANSWER): State.ANSWERED,
}
"""Every transition there is; a pair that is not here is impossible."""


def advance(state: State, event: Event) -> State:
    """Return the state after an event.

    Raises:
        RuleViolation: The event is impossible in this state; the detail names the states that allow it.
    """
    after = TRANSITIONS.get((state, event))
    if after is None:
        allowed = " or ".join(before for before, which in TRANSITIONS if which is event)
        raise RuleViolation(
            "impossible_transition", f"{event} is allowed in {allowed}, not in {state}"
        )
    return after
