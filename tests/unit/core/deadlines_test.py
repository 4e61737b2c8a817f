"""The legal date: thirty days after receipt, whatever the time of day."""

from __future__ import annotations

from datetime import UTC, datetime

from dsr_core.deadlines import DEFAULT_REGIME, respond_by


def test_the_answer_is_due_thirty_days_after_receipt() -> None:
    received_at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert respond_by(received_at) == datetime(2026, 4, 1, 9, 30, tzinfo=UTC)


def test_thirty_days_are_within_the_month_of_gdpr_except_from_the_end_of_january() -> None:
    assert respond_by(datetime(2026, 7, 31, tzinfo=UTC)) <= datetime(2026, 8, 31, tzinfo=UTC)
    assert respond_by(datetime(2026, 1, 31, tzinfo=UTC)) > datetime(2026, 2, 28, tzinfo=UTC)


def test_the_only_regime_so_far_has_a_name() -> None:
    assert DEFAULT_REGIME == "default"
