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


def test_what_hands_over_is_answered_with_delivered_and_nothing_else_is() -> None:
    handing_over = [right for right, terms in RIGHTS.items() if terms.hands_over]
    assert handing_over == [Right.ACCESS, Right.PORTABILITY]
    assert [right for right in Right if D.DELIVERED in ANSWERS[right]] == handing_over


def test_only_a_restriction_is_answered_with_restricted() -> None:
    assert [right for right in Right if D.RESTRICTED in ANSWERS[right]] == [Right.RESTRICTION]


def test_what_the_law_lets_a_system_go_on_with_is_refused_with_a_ground() -> None:
    assert [right for right in Right if D.REFUSED in CONFIRMING[right]] == [
        Right.CORRECTION,
        Right.RESTRICTION,
        Right.OBJECTION,
    ]


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
