"""Where an obligation stands that is stopped, or that two people have answered for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.core.standings import stands

from dsr_core.acknowledgements import Standing
from dsr_core.rights import CONFIRMING, STOPPING, Disposition, Right
from support.builders import NOW, an_acknowledgement, an_answer_by_people, days

D = Disposition


@pytest.mark.parametrize("disposition", sorted(STOPPING))
def test_stopped_and_too_late_end_an_obligation_where_the_request_is_stopped_and_nowhere_else(
    disposition: Disposition,
) -> None:
    one = an_acknowledgement(disposition)
    assert stands(one, stopping=True) == Standing(
        one, is_confirmed=True, is_contradicted=False, contradictions=0
    )
    assert not stands(one).is_confirmed


@pytest.mark.parametrize("disposition", sorted(CONFIRMING[Right.DELETION]))
def test_too_late_after_a_confirming_answer_is_the_same_news(disposition: Disposition) -> None:
    done, too_late = an_acknowledgement(disposition), an_acknowledgement(D.TOO_LATE, sequence=2)
    for stopping in (False, True):
        assert stands(done, too_late, stopping=stopping) == stands(done)
        assert stands(done, replace(too_late, sequence=1), stopping=stopping) == stands(done)


@pytest.mark.parametrize("first", sorted(STOPPING))
def test_a_true_erasure_after_stopped_or_too_late_confirms(first: Disposition) -> None:
    erased = an_acknowledgement(D.ERASED, sequence=2)
    for stopping in (False, True):
        assert stands(an_acknowledgement(first), erased, stopping=stopping) == stands(erased)


def test_stopped_after_an_erasure_is_a_contradiction() -> None:
    stopped = an_acknowledgement(D.STOPPED, sequence=2)
    for stopping in (False, True):
        found = stands(an_acknowledgement(), stopped, stopping=stopping)
        assert (found.is_confirmed, found.is_contradicted) == (False, True)


def test_an_answer_that_goes_on_after_stopped_is_a_contradiction() -> None:
    found = stands(
        an_acknowledgement(D.STOPPED), an_acknowledgement(D.FAILED, sequence=2), stopping=True
    )
    assert (found.is_confirmed, found.is_contradicted) == (False, True)


def test_an_answer_by_two_people_confirms_as_the_systems_would() -> None:
    settled = an_answer_by_people()
    failed = an_acknowledgement(D.FAILED)
    assert stands(settled) == Standing(
        settled, is_confirmed=True, is_contradicted=False, contradictions=0
    )
    assert stands(failed, settled) == stands(settled)


def test_two_people_settle_a_contradiction() -> None:
    found = stands(
        an_acknowledgement(), an_acknowledgement(D.FAILED, sequence=2), an_answer_by_people()
    )
    assert (found.is_confirmed, found.is_contradicted, found.contradictions) == (True, False, 1)
    assert found.answer == an_answer_by_people()


def test_what_the_system_answers_after_two_people_is_held_against_their_answer() -> None:
    settled = an_answer_by_people()
    later = {"answered_at": NOW + days(2), "sequence": 1}
    found = stands(settled, an_acknowledgement(D.FAILED, **later))
    assert (found.is_confirmed, found.is_contradicted) == (False, True)
    same = an_acknowledgement(D.ERASED, **later)
    assert stands(settled, same) == stands(same)
    assert stands(settled, an_acknowledgement(D.NOT_FOUND, **later)) == stands(settled)


def test_of_two_answers_by_people_at_one_time_the_higher_revision_counts() -> None:
    first, second = an_answer_by_people(D.EXEMPT), an_answer_by_people(D.ERASED, revision=2)
    assert stands(first, second) == stands(second)
