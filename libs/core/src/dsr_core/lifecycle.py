"""The states of a subject request, as one table.

Everything about transitions lives here. Who moves a request is not this module's concern.
"""

from __future__ import annotations

from enum import StrEnum

from dsr_core.errors import RuleViolation

__all__ = ["BEGINNINGS", "TRANSITIONS", "Event", "State", "advance"]


class State(StrEnum):
    """Where a subject request stands."""

    AWAITING_IDENTITY = "awaiting_identity"
    """Accepted; who asks is not proven yet, so no system is asked. Some clocks run already."""

    OPEN = "open"
    """Systems are being asked."""

    CLOSED = "closed"
    """It has an outcome; the answer to the requester is being made."""

    ANSWERED = "answered"
    """The requester has the answer; the identity's key is destroyed."""


class Event(StrEnum):
    """What moves a subject request."""

    PROVE_IDENTITY = "prove_identity"
    GIVE_UP_IDENTITY = "give_up_identity"
    """Nobody has proven who asks by the date for it; the outcome is `not_verified`."""

    CLOSE = "close"
    """Every system has confirmed."""

    ANSWER = "answer"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.AWAITING_IDENTITY, Event.PROVE_IDENTITY): State.OPEN,
    (State.AWAITING_IDENTITY, Event.GIVE_UP_IDENTITY): State.CLOSED,
    (State.OPEN, Event.CLOSE): State.CLOSED,
    (State.CLOSED, Event.ANSWER): State.ANSWERED,
}
"""Every transition there is; a pair that is not here is impossible."""


BEGINNINGS = (State.AWAITING_IDENTITY, State.OPEN)
"""The states that a request can be accepted in."""


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
