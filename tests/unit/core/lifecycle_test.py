"""The lifecycle is its table: every pair in it moves, every other pair is refused."""

from __future__ import annotations

from itertools import product

import pytest

from dsr_core.errors import RuleViolation
from dsr_core.lifecycle import BEGINNINGS, PREMATURE, TRANSITIONS, Event, State, advance

PAIRS = list(product(State, Event))


@pytest.mark.parametrize(("state", "event"), [pair for pair in PAIRS if pair in TRANSITIONS])
def test_a_pair_of_the_table_moves(state: State, event: Event) -> None:
    assert advance(state, event) is TRANSITIONS[state, event]


@pytest.mark.parametrize(("state", "event"), [pair for pair in PAIRS if pair not in TRANSITIONS])
def test_any_other_pair_is_impossible(state: State, event: Event) -> None:
    with pytest.raises(RuleViolation, match="impossible_transition") as caught:
        advance(state, event)
    allowing = [before for before, which in TRANSITIONS if which is event]
    assert all(before.value in caught.value.detail for before in allowing)
    assert caught.value.detail.endswith(f"not in {state}")


def test_the_loop_goes_from_open_to_answered() -> None:
    assert advance(advance(State.OPEN, Event.CLOSE), Event.ANSWER) is State.ANSWERED


@pytest.mark.parametrize("state", PREMATURE)
def test_nothing_opens_what_awaits_something_but_that(state: State) -> None:
    opening = [one for one in Event if TRANSITIONS.get((state, one)) is State.OPEN]
    awaited = {
        State.AWAITING_AUTHORITY: [Event.ADMIT],  # who asks was attested, and may ask
        State.AWAITING_IDENTITY: [Event.PROVE_IDENTITY],
        State.AWAITING_DECISION: [Event.GRANT_APPEAL],
    }
    assert opening == awaited.get(state, [])


@pytest.mark.parametrize("event", [Event.WITHDRAW, Event.REFUSE, Event.REFER])
def test_who_was_asked_is_told_to_stop_and_nobody_else(event: Event) -> None:
    for state in PREMATURE:
        assert advance(state, event) is State.CLOSED
    for state in (State.OPEN, State.AWAITING_CLARIFICATION, State.ON_HOLD):
        assert advance(state, event) is State.STOPPING


def test_what_was_never_proven_is_closed_and_never_opened() -> None:
    closed = advance(State.AWAITING_IDENTITY, Event.GIVE_UP_IDENTITY)
    assert advance(closed, Event.ANSWER) is State.ANSWERED


@pytest.mark.parametrize("state", PREMATURE)
def test_a_request_that_awaits_a_proof_cannot_be_closed_by_its_systems(state: State) -> None:
    with pytest.raises(RuleViolation):
        advance(state, Event.CLOSE)


def test_every_event_has_a_place_in_the_table() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_every_state_can_be_reached() -> None:
    assert {State.RECEIVED, *TRANSITIONS.values()} == set(State)


def test_no_request_is_left_where_it_is_received() -> None:
    assert set(BEGINNINGS) == {
        State.OPEN,
        State.AWAITING_AUTHORITY,
        State.AWAITING_IDENTITY,
        State.AWAITING_DECISION,
        State.ON_HOLD,
    }
