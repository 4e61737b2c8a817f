"""Terms, calendars and the arithmetic in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dsr_core.law.calendars import Calendar, Term, Unit, end_of, reckon
from dsr_runtime.holidays import public_holidays

BERLIN = ZoneInfo("Europe/Berlin")
MOVED_BY = "Regulation 1182/71 art. 3(4)"
GERMANY = Calendar(BERLIN, public_holidays("DE"))
NO_HOLIDAYS = Calendar(UTC, {})


def noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("1 month", Term(1, Unit.MONTHS)),
        ("2 months", Term(2, Unit.MONTHS)),
        ("45 days", Term(45, Unit.DAYS)),
        ("1 day", Term(1, Unit.DAYS)),
        ("10 business days", Term(10, Unit.BUSINESS_DAYS)),
        ("2 years", Term(2, Unit.YEARS)),
        ("30 seconds", Term(30, Unit.SECONDS)),
        ("99999 days", Term(99_999, Unit.DAYS)),
    ],
)
def test_a_term_is_read_and_written(text: str, term: Term) -> None:
    assert Term.parse(text) == term
    assert str(term) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "month", "a month", "0 days", "-1 days", "+1 days", "01 days", "1.5 days", "1  day",
        "1 day ", " 1 day", "1 day\n", "1 Day", "1 week", "1 businessday", "1 business  day",
        "100000 days", "٣ days", "1 daysx", "P1M",
    ],
)  # fmt: skip
def test_what_is_no_term_is_refused_with_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="write it as '45 days', '10 business days', '1 month'"):
        Term.parse(text)


@pytest.mark.parametrize("text", ["101 months", "101 years", "99999 years"])
def test_a_term_beyond_any_law_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most 100 of these"):
        Term.parse(text)


def test_terms_of_one_unit_add_up_and_others_do_not() -> None:
    assert str(Term.parse("1 month").plus(Term.parse("2 months"))) == "3 months"
    assert Term.parse("1 month").plus(None) == Term.parse("1 month")
    with pytest.raises(ValueError, match="in the unit of what it extends"):
        Term.parse("1 month").plus(Term.parse("60 days"))


def test_the_arithmetic_reads_as_a_lawyer_would_say_it() -> None:
    found = reckon(noon("2026-01-31"), Term.parse("1 month"), GERMANY, moved_by=MOVED_BY)
    assert found.why == (
        "1 month after 2026-01-31 is 2026-02-28, a Saturday; moved to Monday 2026-03-02: "
        "Regulation 1182/71 art. 3(4)"
    )
    assert found.at.isoformat() == "2026-03-02T23:59:59+01:00"


def test_a_holiday_that_moves_a_date_is_named() -> None:
    found = reckon(noon("2026-04-01"), Term.parse("1 month"), GERMANY, moved_by=MOVED_BY)
    assert found.why == (
        "1 month after 2026-04-01 is 2026-05-01, Labor Day; moved to Monday 2026-05-04: "
        "Regulation 1182/71 art. 3(4)"
    )


def test_without_a_provision_a_day_off_moves_nothing_and_is_not_mentioned() -> None:
    found = reckon(noon("2026-01-31"), Term.parse("1 month"), GERMANY)
    assert found.why == "1 month after 2026-01-31 is 2026-02-28"
    assert found.at.date() == date(2026, 2, 28)


@pytest.mark.parametrize(("paused", "days"), [(1, "1 day"), (7, "7 days")])
def test_the_days_of_a_pause_are_said(paused: int, days: str) -> None:
    found = reckon(noon("2026-03-02"), Term.parse("1 month"), GERMANY, paused=paused)
    last = date(2026, 4, 2) + timedelta(days=paused)
    assert found.why == (
        f"1 month after 2026-03-02 is 2026-04-02; the clock stood still for {days}, so {last}"
    )
    assert found.at.date() == last


def test_a_pause_is_counted_before_a_day_off_moves_the_end() -> None:
    found = reckon(noon("2026-03-02"), Term.parse("1 month"), GERMANY, moved_by=MOVED_BY, paused=1)
    assert found.why.endswith(
        "so 2026-04-03, Good Friday; moved to Tuesday 2026-04-07: " + MOVED_BY
    )


@pytest.mark.parametrize(
    ("start", "term", "last"),
    [
        ("2024-02-29", "1 year", "2025-02-28"),
        ("2024-02-29", "4 years", "2028-02-29"),
        ("2024-02-29", "12 months", "2025-02-28"),
        ("2026-12-31", "2 months", "2027-02-28"),
        ("2026-11-30", "3 months", "2027-02-28"),
        ("2026-12-15", "1 month", "2027-01-15"),
        ("2026-01-31", "100 months", "2034-05-31"),
        ("2028-02-28", "1 day", "2028-02-29"),
        ("2026-12-31", "1 day", "2027-01-01"),
        ("2026-04-30", "1 business day", "2026-05-04"),
        ("2026-05-02", "1 business day", "2026-05-04"),
    ],
)
def test_a_term_ends_on_its_last_day(start: str, term: str, last: str) -> None:
    assert reckon(noon(start), Term.parse(term), GERMANY).at.date().isoformat() == last


def test_the_day_of_an_event_is_its_day_in_the_zone_of_the_calendar() -> None:
    late = datetime(2026, 3, 15, 23, 30, tzinfo=UTC)
    assert GERMANY.day_of(late) == date(2026, 3, 16)
    assert NO_HOLIDAYS.day_of(late) == date(2026, 3, 15)


def test_a_weekend_is_the_calendar_s_own() -> None:
    friday_and_saturday = Calendar(UTC, {}, weekend=frozenset({4, 5}))
    assert friday_and_saturday.day_off(date(2026, 5, 1)) == "a Friday"
    assert friday_and_saturday.day_off(date(2026, 5, 3)) is None
    assert friday_and_saturday.working_day_from(date(2026, 5, 1)) == date(2026, 5, 3)


def test_a_calendar_without_working_days_is_refused_instead_of_searched() -> None:
    with pytest.raises(ValueError, match="without working days"):
        Calendar(UTC, {}, weekend=frozenset(range(7))).working_day_from(date(2026, 5, 1))


def test_requests_of_one_day_share_one_count() -> None:
    calendar = Calendar(BERLIN, public_holidays("DE"))
    month = Term.parse("1 month")
    morning, evening = (
        datetime(2026, 1, 31, hour, tzinfo=BERLIN).astimezone(UTC) for hour in (8, 20)
    )
    found = reckon(morning, month, calendar, moved_by="a law")
    assert reckon(evening, month, calendar, moved_by="a law") is found
    assert reckon(morning, month, calendar) != found
    assert reckon(morning, month, calendar, moved_by="a law", paused=1) != found
    assert reckon(morning + timedelta(days=1), month, calendar, moved_by="a law") != found


def test_what_a_calendar_has_counted_is_no_part_of_its_value() -> None:
    used = Calendar(BERLIN, public_holidays("DE"))
    reckon(noon("2026-01-31"), Term.parse("1 month"), used)
    assert used == GERMANY
    assert repr(used) == repr(GERMANY)


def test_a_calendar_remembers_so_many_counts_and_no_more() -> None:
    calendar = Calendar(UTC, {})
    first = reckon(noon("2026-01-31"), Term.parse("1 month"), calendar)
    for days in range(1_000):
        reckon(noon("2026-01-31") + timedelta(days=days), Term.parse("1 day"), calendar)
    again = reckon(noon("2026-01-31"), Term.parse("1 month"), calendar)
    assert again == first
    assert again is not first


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("Europe/Berlin", "2026-03-29", "2026-03-29T23:59:59+02:00"),
        ("Europe/Berlin", "2026-10-25", "2026-10-25T23:59:59+01:00"),
        ("America/Los_Angeles", "2026-11-01", "2026-11-01T23:59:59-08:00"),
        ("Asia/Seoul", "2026-06-11", "2026-06-11T23:59:59+09:00"),
    ],
)
def test_a_day_ends_by_the_clock_of_its_evening(zone: str, day: str, end: str) -> None:
    found = end_of(date.fromisoformat(day), Calendar(ZoneInfo(zone), {}))
    assert found.isoformat() == end


@pytest.mark.parametrize(
    ("zone", "day"), [("Asia/Beirut", "2024-10-26"), ("America/Sao_Paulo", "2018-02-17")]
)
def test_a_day_whose_last_hour_comes_twice_ends_after_the_second(zone: str, day: str) -> None:
    end = end_of(date.fromisoformat(day), Calendar(ZoneInfo(zone), {}))
    after = (end.astimezone(UTC) + timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    assert after.date() == date.fromisoformat(day) + timedelta(days=1)


def test_seconds_run_by_a_stopwatch_not_by_the_clock_on_the_wall() -> None:
    start = datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN)
    found = reckon(start, Term.parse("3600 seconds"), GERMANY)
    assert found.at.isoformat() == "2026-03-29T03:30:00+02:00"
    assert found.why == "3600 seconds after 2026-03-29T01:30:00+01:00"
    assert reckon(start, Term.parse("30 seconds"), GERMANY, paused=30).at - start == timedelta(
        minutes=1
    )
