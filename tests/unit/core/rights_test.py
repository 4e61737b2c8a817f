"""Which right may be answered with what: the glossary's sentence, checked against the table."""

from __future__ import annotations

import pytest

from dsr_core.rights import ANSWERS, CONFIRMING, RIGHTS, Disposition, Right

D = Disposition


@pytest.mark.parametrize("right", Right)
def test_every_right_can_be_confirmed(right: Right) -> None:
    assert CONFIRMING[right]
    assert CONFIRMING[right] < ANSWERS[right]


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize(
    "disposition", [D.RECEIVED, D.IN_PROGRESS, D.FAILED, D.UNRESOLVABLE, D.STOPPED, D.TOO_LATE]
)
def test_what_is_coming_or_has_failed_confirms_nothing(
    right: Right, disposition: Disposition
) -> None:
    assert disposition in ANSWERS[right]
    assert disposition not in CONFIRMING[right]


@pytest.mark.parametrize("right", Right)
def test_not_found_confirms_every_right(right: Right) -> None:
    assert D.NOT_FOUND in CONFIRMING[right]


def test_only_a_deletion_is_answered_with_erased() -> None:
    assert [right for right in Right if D.ERASED in ANSWERS[right]] == [Right.DELETION]


def test_only_an_access_is_answered_with_delivered() -> None:
    assert [right for right in Right if D.DELIVERED in ANSWERS[right]] == [Right.ACCESS]


def test_only_a_correction_is_answered_with_corrected() -> None:
    assert [right for right in Right if D.CORRECTED in ANSWERS[right]] == [Right.CORRECTION]
    assert [right for right in Right if D.ALREADY_RIGHT in ANSWERS[right]] == [Right.CORRECTION]


def test_every_disposition_answers_some_right() -> None:
    assert frozenset().union(*ANSWERS.values()) == set(Disposition)


def test_every_right_stands_in_the_one_table() -> None:
    assert set(RIGHTS) == set(Right)


def test_only_an_opt_out_asks_for_no_proof_of_who_asks() -> None:
    assert [right for right, terms in RIGHTS.items() if not terms.asks_who] == [Right.OPT_OUT]


def test_holds_and_the_breaker_stand_before_what_erases() -> None:
    assert [right for right, terms in RIGHTS.items() if terms.erases] == [Right.DELETION]
