from __future__ import annotations

from datetime import timedelta

from dsr_core.closing import Outcome
from dsr_core.ids import RequestId
from dsr_core.lifecycle import State
from dsr_intake.application.answering import answers, records
from dsr_intake.model import Known
from dsr_wire.envelope import header
from support.builders import NOW, a_closure, a_cohort_id, a_request_id

LATER = NOW + timedelta(minutes=1)


def known(*states: State) -> dict[RequestId, Known]:
    return {a_request_id(n): Known(a_cohort_id(), state) for n, state in enumerate(states, 1)}


def test_open_request_is_closed_and_answered() -> None:
    (made,) = answers([a_closure()], known(State.OPEN), at=LATER)
    assert (made.state, made.outcome) == (State.ANSWERED, Outcome.FULFILLED)
    assert (made.closed_at, made.answered_at) == (NOW, LATER)


def test_closed_request_is_answered() -> None:
    (made,) = answers([a_closure()], known(State.CLOSED), at=LATER)
    assert made.state is State.ANSWERED


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
    told = records(answers(closures, states, at=LATER), [a_cohort_id()], at=LATER)
    again = records(answers(closures[::-1], states, at=NOW), [a_cohort_id()], at=NOW)
    ids = [header(one.headers, "ce_id") for one in told]
    assert ids == [header(one.headers, "ce_id") for one in again]
    assert len(set(ids)) == 2
    one_only = records(answers(closures[:1], states, at=LATER), [], at=LATER)
    assert header(one_only[0].headers, "ce_id") not in ids
