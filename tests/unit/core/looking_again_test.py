"""A system that has to look again after its erasure has confirmed only when it found nothing."""

from __future__ import annotations

import pytest
from unit.core.standings import stands as stands_in_any_order

from dsr_core.acknowledgements import Acknowledgement, Standing
from dsr_core.rights import Disposition
from support.builders import an_acknowledgement, an_answer_by_people

D = Disposition


def an(disposition: Disposition, sequence: int = 1, **changes: object) -> Acknowledgement:
    return an_acknowledgement(disposition=disposition, sequence=sequence, **changes)


def stands(*answers: Acknowledgement, stopping: bool = False) -> Standing:
    return stands_in_any_order(*answers, stopping=stopping, looks_again=True)


def test_an_erasure_alone_confirms_nothing_and_contradicts_nothing() -> None:
    found = stands(an(D.ERASED))
    assert (found.is_confirmed, found.is_contradicted, found.contradictions) == (False, False, 0)


def test_having_looked_again_confirms() -> None:
    found = stands(an(D.ERASED), an(D.ABSENT, 2))
    assert (found.is_confirmed, found.contradictions) == (True, 0)
    assert found.answer is not None
    assert found.answer.disposition is D.ABSENT


def test_it_was_never_gone_keeps_the_obligation_open_and_is_held_against_the_system() -> None:
    found = stands(an(D.ERASED), an(D.PRESENT, 2))
    assert (found.is_confirmed, found.is_contradicted, found.contradictions) == (False, True, 1)


def test_erased_anew_and_found_absent_it_is_confirmed_and_stays_counted() -> None:
    found = stands(an(D.ERASED), an(D.PRESENT, 2), an(D.ERASED, 3), an(D.ABSENT, 4))
    assert (found.is_confirmed, found.is_contradicted, found.contradictions) == (True, False, 1)


def test_an_erasure_that_is_told_again_is_no_contradiction() -> None:
    found = stands(an(D.ERASED), an(D.ERASED, 2))
    assert (found.is_confirmed, found.contradictions) == (False, 0)


@pytest.mark.parametrize("later", [D.FAILED, D.IN_PROGRESS, D.UNRESOLVABLE])
def test_a_lower_rank_after_an_erasure_is_a_contradiction_all_the_same(later: Disposition) -> None:
    found = stands(an(D.ERASED), an(later, 2, reason="why"))
    assert (found.is_confirmed, found.is_contradicted) == (False, True)


def test_to_find_nothing_when_asked_to_erase_is_not_to_have_looked_again() -> None:
    assert not stands(an(D.ERASED), an(D.NOT_FOUND, 2)).is_confirmed
    assert stands(an(D.ERASED), an(D.ABSENT, 2), an(D.NOT_FOUND, 3)).is_confirmed


@pytest.mark.parametrize("disposition", [D.NOT_FOUND, D.INFORMED])
def test_who_had_nothing_to_erase_need_not_look_again(disposition: Disposition) -> None:
    assert stands(an(disposition)).is_confirmed


def test_an_erasure_after_it_was_absent_is_a_contradiction_until_it_is_absent_again() -> None:
    found = stands(an(D.ERASED), an(D.ABSENT, 2), an(D.ERASED, 3))
    assert (found.is_confirmed, found.is_contradicted) == (False, True)


def test_who_stops_need_not_look_again() -> None:
    assert stands(an(D.ERASED), stopping=True).is_confirmed
    assert stands(an(D.ERASED), an(D.TOO_LATE, 2, reason="erased"), stopping=True).is_confirmed


def test_two_people_who_answer_need_not_look_again() -> None:
    assert stands(an_answer_by_people()).is_confirmed
    assert stands(an(D.ERASED), an_answer_by_people()).is_confirmed


def test_where_nobody_has_to_look_again_who_does_confirms_all_the_same() -> None:
    found = stands_in_any_order(an(D.ERASED), an(D.ABSENT, 2))
    assert found.is_confirmed
    found = stands_in_any_order(an(D.ERASED), an(D.PRESENT, 2))
    assert (found.is_confirmed, found.is_contradicted) == (False, True)
