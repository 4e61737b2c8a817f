"""The states of a subject request, as one table.

Everything about transitions lives here. Who moves a request is not this module's concern.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from dsr_core.errors import RuleViolation

__all__ = ["ASKED", "BEGINNINGS", "PREMATURE", "TRANSITIONS", "Event", "State", "advance"]


class State(StrEnum):
    """Where a subject request stands."""

    RECEIVED = "received"
    """It has arrived, and the same transaction says how it goes on: no request is left in it."""

    AWAITING_AUTHORITY = "awaiting_authority"
    """Somebody asks for another person, and has not shown that they may: an agent's signed authority
    or a guardian's consent is missing. No system is asked."""

    AWAITING_IDENTITY = "awaiting_identity"
    """Accepted; who asks is not proven yet, so no system is asked. Some clocks run already."""

    AWAITING_DECISION = "awaiting_decision"
    """It asks that an earlier decision be reviewed: until a person has decided, no system is asked."""

    OPEN = "open"
    """Systems are being asked."""

    AWAITING_CLARIFICATION = "awaiting_clarification"
    """The person was asked what exactly is meant. Some clocks stand still until they say it."""

    ON_HOLD = "on_hold"
    """A legal hold suspends erasure in some systems or all of them. The clock goes on."""

    STOPPING = "stopping"
    """It ends without being followed, and each system is asked how far it had come."""

    CLOSED = "closed"
    """It has an outcome; the answer to the requester is being made."""

    ANSWERED = "answered"
    """The requester has the answer; the identity's key is destroyed."""


class Event(StrEnum):
    """What moves a subject request."""

    ADMIT = "admit"
    """It is known who asks, and that they may."""

    AWAIT_AUTHORITY = "await_authority"
    AWAIT_IDENTITY = "await_identity"
    AWAIT_DECISION = "await_decision"
    PROVE_AUTHORITY = "prove_authority"
    PROVE_IDENTITY = "prove_identity"
    GIVE_UP_IDENTITY = "give_up_identity"
    """Nobody has proven who asks by the date for it; the outcome is `not_verified`."""

    GRANT_APPEAL = "grant_appeal"
    """The earlier decision does not stand: what was asked for is done."""

    ASK_CLARIFICATION = "ask_clarification"
    CLARIFY = "clarify"
    CLARIFY_UNDER_HOLD = "clarify_under_hold"
    """The person has said what is meant, and a hold that came meanwhile stands."""

    EXTEND = "extend"
    """The answer may come later, once the requester is told so in time, and why."""

    TELL_EXTENSION = "tell_extension"
    """The letter that tells of it has gone out."""

    VOID_EXTENSION = "void_extension"
    """That letter came back: the date is again what it was."""

    BRING_FORWARD = "bring_forward"
    """The same person had asked for the same before, which came in later: the date counts from that."""

    PLACE_HOLD = "place_hold"
    LIFT_HOLD = "lift_hold"
    """The last hold on it is over."""

    EXPAND_IDENTITY = "expand_identity"
    """More identifiers of the person are known, and systems are told anew by them."""

    SETTLE = "settle"
    """Two people answer in place of a system."""

    WITHDRAW = "withdraw"
    """The requester takes it back."""

    REFUSE = "refuse"
    """It is not followed, on a legal ground."""

    REFER = "refer"
    """The data is a customer's: the requester is pointed to the controller."""

    GIVE_UP_STOPPING = "give_up_stopping"
    """The legal date has come, and some systems have not said how far they had come."""

    CLOSE = "close"
    """Every system has confirmed."""

    ANSWER = "answer"


PREMATURE = (State.AWAITING_AUTHORITY, State.AWAITING_IDENTITY, State.AWAITING_DECISION)
"""The states in which no system has been asked, and none may be."""

ASKED = (State.OPEN, State.AWAITING_CLARIFICATION, State.ON_HOLD)
"""The states in which systems have been asked."""

_EXTENDING = (Event.EXTEND, Event.TELL_EXTENSION, Event.VOID_EXTENSION)
_ENDINGS = (Event.WITHDRAW, Event.REFUSE, Event.REFER)


def _each(states: Iterable[State], event: Event, to: State) -> dict[tuple[State, Event], State]:
    return {(state, event): to for state in states}


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.RECEIVED, Event.ADMIT): State.OPEN,
    (State.RECEIVED, Event.AWAIT_AUTHORITY): State.AWAITING_AUTHORITY,
    (State.RECEIVED, Event.AWAIT_IDENTITY): State.AWAITING_IDENTITY,
    (State.RECEIVED, Event.AWAIT_DECISION): State.AWAITING_DECISION,
    (State.RECEIVED, Event.PLACE_HOLD): State.ON_HOLD,
    (State.AWAITING_AUTHORITY, Event.PROVE_AUTHORITY): State.AWAITING_IDENTITY,
    (State.AWAITING_AUTHORITY, Event.ADMIT): State.OPEN,
    (State.AWAITING_AUTHORITY, Event.GIVE_UP_IDENTITY): State.CLOSED,
    (State.AWAITING_IDENTITY, Event.PROVE_IDENTITY): State.OPEN,
    (State.AWAITING_IDENTITY, Event.GIVE_UP_IDENTITY): State.CLOSED,
    (State.AWAITING_DECISION, Event.GRANT_APPEAL): State.OPEN,
    (State.OPEN, Event.ASK_CLARIFICATION): State.AWAITING_CLARIFICATION,
    (State.AWAITING_CLARIFICATION, Event.CLARIFY): State.OPEN,
    (State.AWAITING_CLARIFICATION, Event.CLARIFY_UNDER_HOLD): State.ON_HOLD,
    **{(state, event): state for event in _EXTENDING for state in ASKED},
    **{(state, Event.BRING_FORWARD): state for state in ASKED},
    **_each((State.OPEN, State.ON_HOLD), Event.PLACE_HOLD, State.ON_HOLD),
    (State.AWAITING_CLARIFICATION, Event.PLACE_HOLD): State.AWAITING_CLARIFICATION,
    (State.ON_HOLD, Event.LIFT_HOLD): State.OPEN,
    (State.AWAITING_CLARIFICATION, Event.LIFT_HOLD): State.AWAITING_CLARIFICATION,
    **{(state, Event.EXPAND_IDENTITY): state for state in ASKED},
    **{(state, Event.SETTLE): state for state in (*ASKED, State.STOPPING)},
    **{(state, event): State.CLOSED for state in PREMATURE for event in _ENDINGS},
    **{(state, event): State.STOPPING for state in ASKED for event in _ENDINGS},
    (State.STOPPING, Event.GIVE_UP_STOPPING): State.CLOSED,
    **_each((*ASKED, State.STOPPING), Event.CLOSE, State.CLOSED),
    (State.CLOSED, Event.ANSWER): State.ANSWERED,
}
"""Every transition there is; a pair that is not here is impossible."""


BEGINNINGS = tuple(after for (before, _), after in TRANSITIONS.items() if before is State.RECEIVED)
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
