"""Which law counts a new request's days, on the days on which a law comes into force."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dsr_cli.rules import load_rules
from dsr_core.law.rules import Rules
from dsr_core.rights import Right
from dsr_intake.application.dating import Dating
from dsr_intake.model import Dates
from dsr_runtime.holidays import public_holidays
from support.sources import ROOT


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(ROOT / "rules")


def dated(dating: Dating, rules: Rules, jurisdiction: str, received_at: datetime) -> Dates:
    return dating.dates(
        rules,
        jurisdiction=jurisdiction,
        right=Right.ACCESS,
        received_at=received_at,
        accepted_at=received_at,
        is_attested=True,
    )


@pytest.mark.parametrize(
    ("jurisdiction", "received_at", "regime", "received_on"),
    [
        ("KR", datetime(2011, 9, 29, 16, tzinfo=UTC), "korea_pipa", date(2011, 9, 30)),
        ("DE", datetime(2018, 5, 24, 23, tzinfo=UTC), "gdpr", date(2018, 5, 25)),
        ("US-VA", datetime(2023, 1, 1, 2, tzinfo=UTC), "default", date(2023, 1, 1)),
        ("US-VA", datetime(2023, 1, 1, 6, tzinfo=UTC), "vcdpa", date(2023, 1, 1)),
    ],
)
def test_a_law_is_in_force_from_its_first_hour_where_it_counts_the_days(
    rules: Rules, jurisdiction: str, received_at: datetime, regime: str, received_on: date
) -> None:
    found = dated(Dating(public_holidays), rules, jurisdiction, received_at)
    assert (found.regime, found.received_on) == (regime, received_on)


def test_requests_of_one_date_in_two_zones_do_not_share_their_dates(rules: Rules) -> None:
    """02:00 in UTC is the day before in Virginia, whose act begins on the day that both then have."""
    dating = Dating(public_holidays)
    before = dated(dating, rules, "US-VA", datetime(2023, 1, 1, 2, tzinfo=UTC))
    after = dated(dating, rules, "US-VA", datetime(2023, 1, 1, 6, tzinfo=UTC))
    assert (before.regime, before.due_at.date()) == ("default", date(2023, 1, 31))
    assert (after.regime, after.due_at) == ("vcdpa", datetime(2023, 2, 16, 4, 59, 59, tzinfo=UTC))
