"""A receipt that the person was not told of, where a law has a date for that."""

from __future__ import annotations

from typing import Any

import pytest

from dsr_core.law.rules import ACKNOWLEDGE_RECEIPT_BY
from dsr_core.law.timeline import Entry, Timeline
from dsr_intake.application.promises import AtRisk, receipt_untold
from dsr_intake.model import Letter, LetterKind, LetterState
from dsr_intake.model.letters import NOT_IN_TIME
from support.builders import NOW, days
from support.intake_fakes import a_letter, a_request_view

BY = NOW + days(10)
DATED = Timeline(
    (Entry(name=ACKNOWLEDGE_RECEIPT_BY, at=BY, rule="CCPA regulations § 7021(a)", why="10 days"),)
)


def a_receipt(state: LetterState, *, tries: int = 1, reason: str = NOT_IN_TIME) -> Letter:
    is_waiting = state is LetterState.WAITING
    return a_letter(
        kind=LetterKind.RECEIVED,
        state=state,
        tries=tries,
        next_try_at=NOW + days(2) if is_waiting else None,
        settled_at=None if is_waiting else NOW + days(1),
        reason=None if is_waiting else reason,
    )


def found(
    letter: Letter, *, after: int = 1, dates: Timeline = DATED, **changes: Any
) -> AtRisk | None:
    one = a_request_view(**changes)
    return receipt_untold(
        one, dates, [letter], contact="privacy@example.com", now=NOW + days(after)
    )


@pytest.mark.parametrize("state", [LetterState.BOUNCED, LetterState.GIVEN_UP])
def test_a_letter_that_was_not_taken_is_at_risk_and_late_after_its_date(state: LetterState) -> None:
    risk = found(a_receipt(state))
    assert risk is not None
    assert (risk.by, risk.since, risk.upcoming) == (BY, NOW + days(1), None)
    assert "has passed" not in risk.what
    late = found(a_receipt(state), after=11)
    assert late is not None
    assert "the date for it has passed" in late.what


def test_one_that_waits_is_at_risk_once_it_was_tried_again_or_its_date_has_passed() -> None:
    assert found(a_receipt(LetterState.WAITING, tries=1)) is None
    risk = found(a_receipt(LetterState.WAITING, tries=2))
    assert risk is not None
    assert risk.upcoming is not None
    assert risk.upcoming.at == NOW + days(2)
    late = found(a_receipt(LetterState.WAITING, tries=0), after=11)
    assert late is not None
    assert "has passed" in late.what


def test_who_was_told_is_answered_or_has_no_such_law_is_not_at_risk() -> None:
    bounced = a_receipt(LetterState.BOUNCED)
    assert found(a_receipt(LetterState.SENT)) is None
    assert found(bounced, answered_at=NOW) is None
    assert found(bounced, dates=Timeline(())) is None


def test_a_letter_that_somebody_gave_up_has_been_seen_to() -> None:
    assert found(a_receipt(LetterState.GIVEN_UP, reason="told by post"), after=11) is None
    assert found(a_receipt(LetterState.BOUNCED, reason="smtp_550"), after=11) is not None
