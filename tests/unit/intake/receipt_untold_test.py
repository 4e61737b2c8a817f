"""A receipt that the person was not told of, where a law has a date for that."""

from __future__ import annotations

from typing import Any

import pytest

from dsr_core.law.rules import ACKNOWLEDGE_RECEIPT_BY
from dsr_core.law.timeline import Entry, Timeline
from dsr_intake.application.promises import AtRisk, receipt_untold
from dsr_intake.model import LetterKind, LetterState
from support.builders import NOW, days
from support.intake_fakes import a_letter, a_request_view

BY = NOW + days(10)
DATED = Timeline(
    (Entry(name=ACKNOWLEDGE_RECEIPT_BY, at=BY, rule="CCPA regulations § 7021(a)", why="10 days"),)
)


def found(
    state: LetterState, *, tries: int = 1, after: int = 1, dates: Timeline = DATED, **changes: Any
) -> AtRisk | None:
    is_waiting = state is LetterState.WAITING
    letter = a_letter(
        kind=LetterKind.RECEIVED,
        state=state,
        tries=tries,
        next_try_at=NOW + days(2) if is_waiting else None,
        settled_at=None if is_waiting else NOW + days(1),
    )
    one = a_request_view(**changes)
    return receipt_untold(
        one, dates, [letter], contact="privacy@example.com", now=NOW + days(after)
    )


@pytest.mark.parametrize("state", [LetterState.BOUNCED, LetterState.GIVEN_UP])
def test_a_letter_that_was_not_taken_is_at_risk_and_late_after_its_date(state: LetterState) -> None:
    risk = found(state)
    assert risk is not None
    assert (risk.by, risk.since, risk.upcoming) == (BY, NOW + days(1), None)
    assert "has passed" not in risk.what
    late = found(state, after=11)
    assert late is not None
    assert "the date for it has passed" in late.what


def test_one_that_waits_is_at_risk_once_it_was_tried_again() -> None:
    assert found(LetterState.WAITING, tries=1) is None
    risk = found(LetterState.WAITING, tries=2)
    assert risk is not None
    assert risk.upcoming is not None
    assert risk.upcoming.at == NOW + days(2)


def test_who_was_told_is_answered_or_has_no_such_law_is_not_at_risk() -> None:
    assert found(LetterState.SENT) is None
    assert found(LetterState.BOUNCED, answered_at=NOW) is None
    assert found(LetterState.BOUNCED, dates=Timeline(())) is None
