from __future__ import annotations

from datetime import timedelta

import pytest

from dsr_contracts.v1.lifecycle_pb2 import RequestStatesChanged
from dsr_core.closing import Outcome
from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_core.lifecycle import PREMATURE, State
from dsr_intake.application.answering import answers, records, told
from dsr_intake.model import Known, LetterKind
from dsr_wire.envelope import decode, header
from support.builders import NOW, a_closure, a_cohort_id, a_request_id

LATER = NOW + timedelta(minutes=1)


def known(*states: State) -> dict[RequestId, Known]:
    return {a_request_id(n): Known(a_cohort_id(), state) for n, state in enumerate(states, 1)}


def test_open_request_is_closed_and_answered() -> None:
    (made,) = answers([a_closure()], known(State.OPEN), at=LATER)
    assert (made.state, made.outcome) == (State.ANSWERED, Outcome.FULFILLED)
    assert (made.closed_at, made.answered_at) == (NOW, LATER)


def test_request_that_gets_a_letter_is_closed_and_not_answered() -> None:
    with_letters = {one: state._replace(letters=True) for one, state in known(State.OPEN).items()}
    (made,) = answers([a_closure()], with_letters, at=LATER)
    assert (made.state, made.answered_at, made.letter) == (State.CLOSED, None, LetterKind.DONE)


def test_closed_request_whose_letter_waits_stays_as_it_is() -> None:
    assert answers([a_closure()], known(State.CLOSED), at=LATER) == []


def test_once_its_letter_is_sent_a_closed_request_is_answered_with_its_outcome() -> None:
    waiting = known(State.CLOSED)[a_request_id(1)]._replace(
        letters=True, outcome=Outcome.PARTLY_FULFILLED, closed_at=NOW
    )
    made = told(a_request_id(), waiting, at=LATER)
    assert (made.state, made.outcome) == (State.ANSWERED, Outcome.PARTLY_FULFILLED)
    assert (made.closed_at, made.answered_at, made.letter) == (NOW, LATER, None)


@pytest.mark.parametrize("state", [State.OPEN, State.ANSWERED])
def test_what_is_not_closed_is_not_answered(state: State) -> None:
    with pytest.raises(RuleViolation):
        told(a_request_id(), Known(a_cohort_id(), state), at=LATER)


def test_closing_and_answering_by_letter_are_told_apart() -> None:
    waiting = known(State.OPEN)[a_request_id(1)]._replace(letters=True)
    closed = answers([a_closure()], {a_request_id(1): waiting}, at=LATER)
    stored = waiting._replace(state=State.CLOSED, outcome=Outcome.FULFILLED, closed_at=NOW)
    [first] = records(closed, [], at=LATER)
    second, over = records([told(a_request_id(1), stored, at=LATER)], [a_cohort_id()], at=LATER)
    shown = [
        [change.state for change in decode(one.value, one.headers, RequestStatesChanged).changes]
        for one in (first, second)
    ]
    assert shown == [["closed"], ["answered"]]
    assert len({header(one.headers, "ce_id") for one in (first, second, over)}) == 3


@pytest.mark.parametrize("state", [State.AWAITING_CLARIFICATION, State.ON_HOLD, State.STOPPING])
def test_a_closure_ends_whatever_systems_were_asked_for(state: State) -> None:
    (made,) = answers([a_closure()], known(state), at=LATER)
    assert (made.state, made.outcome) == (State.ANSWERED, Outcome.FULFILLED)


@pytest.mark.parametrize("state", PREMATURE)
def test_a_closure_of_what_nobody_was_asked_for_changes_nothing(state: State) -> None:
    assert answers([a_closure()], known(state), at=LATER) == []


def test_answered_and_unknown_requests_stay_as_they_are() -> None:
    closures = [a_closure(), a_closure(request_id=a_request_id(9))]
    assert answers(closures, known(State.ANSWERED), at=LATER) == []


def test_first_of_two_closures_in_one_batch_counts() -> None:
    closures = [a_closure(), a_closure(outcome=Outcome.PARTLY_FULFILLED)]
    (made,) = answers(closures, known(State.OPEN), at=LATER)
    assert made.outcome is Outcome.FULFILLED


def test_same_change_has_the_same_event_id_in_any_order() -> None:
    closures = [a_closure(request_id=a_request_id(n)) for n in (1, 2)]
    states = known(State.OPEN, State.OPEN)
    first = records(answers(closures, states, at=LATER), [a_cohort_id()], at=LATER)
    again = records(answers(closures[::-1], states, at=NOW), [a_cohort_id()], at=NOW)
    ids = [header(one.headers, "ce_id") for one in first]
    assert ids == [header(one.headers, "ce_id") for one in again]
    assert len(set(ids)) == 2
    one_only = records(answers(closures[:1], states, at=LATER), [], at=LATER)
    assert header(one_only[0].headers, "ce_id") not in ids
