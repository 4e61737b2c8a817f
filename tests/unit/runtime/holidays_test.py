"""Public holidays: whose are given, and that asking for them is silent."""

from __future__ import annotations

from datetime import date

import pytest

from dsr_runtime.holidays import public_holidays


@pytest.mark.parametrize(
    ("jurisdiction", "day", "is_off"),
    [
        ("DE", date(2026, 4, 3), True),
        ("DE", date(2026, 6, 4), False),
        ("DE-BY", date(2026, 6, 4), True),
        ("FR", date(2026, 7, 14), True),
        ("GB", date(2026, 8, 31), False),
        ("GB-ENG", date(2026, 8, 31), True),
        ("US", date(2026, 7, 3), True),
        ("US", date(2026, 11, 27), False),
        ("US", date(2100, 12, 25), True),
    ],
)
def test_a_jurisdiction_has_its_own_holidays(jurisdiction: str, day: date, *, is_off: bool) -> None:
    assert (day in public_holidays(jurisdiction)) == is_off


def test_where_several_may_count_a_day_is_off_in_all_of_them() -> None:
    both = public_holidays("US", "US-CA")
    assert date(2026, 10, 12) in public_holidays("US")  # Columbus Day
    assert date(2026, 3, 31) in public_holidays("US-CA")  # Cesar Chavez Day
    assert date(2026, 10, 12) not in both
    assert date(2026, 3, 31) not in both
    assert both[date(2026, 2, 16)] == "Washington's Birthday"
    assert public_holidays("DE", "XX") == {}


def test_names_are_english_where_they_are_known() -> None:
    assert public_holidays("DE")[date(2026, 10, 3)] == "German Unity Day"


def test_a_part_of_a_country_that_the_library_does_not_know_has_its_country_s() -> None:
    assert public_holidays("GB-LND") == public_holidays("GB")


def test_codes_that_nobody_knows_are_counted_and_kept_once_for_their_country() -> None:
    """Whoever submits names the part of a country, so there are as many as they like."""
    country = public_holidays("KR")
    assert all(public_holidays(f"KR-{number}") is country for number in range(100, 200))
    both = public_holidays("DE", "KR")
    assert all(public_holidays("DE-X1", f"KR-{number}") is both for number in range(100, 200))


def test_a_country_that_the_library_does_not_know_has_none() -> None:
    assert public_holidays("XX") == {}
    assert public_holidays("XX-1") == {}


@pytest.mark.parametrize("country", ["IN", "CN", "SA", "MA"])
def test_a_country_that_announces_its_holidays_late_is_asked_without_a_warning(
    country: str,
) -> None:
    """Warnings are errors here, and would stand between the lines of a command."""
    assert public_holidays(country)
