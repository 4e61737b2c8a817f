"""Calendars and terms: counting days, months and working days from a moment.

A calendar is a value that the caller builds; nothing here reads a clock, a time-zone file or a list
of holidays. Each count says in words what it did, since a date that cannot be explained cannot be
defended.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

__all__ = ["Calendar", "Term", "Unit", "end_of", "reckon"]

_LAST_SECOND = time(23, 59, 59, fold=1)
"""The second one where clocks go back over midnight and the day's last hour comes twice."""

_DAY = timedelta(days=1)
_SATURDAY_AND_SUNDAY = frozenset({5, 6})
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONGEST_RUN_OFF = 60
"""No calendar has so many days off in a row; one that has is refused instead of searched for ever."""

_COUNTS_LIMIT = 1_000
"""How many counts a calendar remembers: those of some months of requests, in a megabyte."""

_TERM = re.compile(r"([1-9][0-9]{0,4}) (second|day|business day|month|year)s?")
_YEARS_LIMIT = 100


class Unit(StrEnum):
    """What a term is counted in."""

    SECONDS = "second"
    """An exact time, for demonstrations in which days are seconds; no law counts so."""

    DAYS = "day"
    BUSINESS_DAYS = "business day"
    MONTHS = "month"
    YEARS = "year"


@dataclass(frozen=True, slots=True)
class Term:
    """A length of time as a law states it."""

    amount: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Term:
        """Read a term such as `1 month`, `45 days` or `10 business days`.

        Raises:
            ValueError: The text is no term; the message says what one looks like.
        """
        found = _TERM.fullmatch(text)
        if found is None:
            raise ValueError("write it as '45 days', '10 business days', '1 month' or '2 years'")
        term = cls(int(found[1]), Unit(found[2]))
        if term.unit in {Unit.MONTHS, Unit.YEARS} and term.amount > _YEARS_LIMIT:
            raise ValueError(f"at most {_YEARS_LIMIT} of these")
        return term

    def plus(self, other: Term | None) -> Term:
        """Return both terms as one, counted from the same moment.

        Raises:
            ValueError: They are counted in different units.
        """
        if other is None:
            return self
        if other.unit is not self.unit:
            raise ValueError("an extension is counted in the unit of what it extends")
        return Term(self.amount + other.amount, self.unit)

    def __str__(self) -> str:
        """Write the term as it is read."""
        return f"{self.amount} {self.unit}{'' if self.amount == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Where days begin and end, and which of them nobody works on."""

    zone: tzinfo
    """The zone of the establishment: the day of an event is its day there."""

    holidays: Mapping[date, str]
    """Public holidays of the jurisdiction, by name."""

    weekend: frozenset[int] = _SATURDAY_AND_SUNDAY
    """Days of the week, counted from Monday as 0."""

    _counts: dict[tuple[date, Term, str | None, int], Reckoned] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What was counted before, by all that it depends on: requests of one day count it once."""

    def day_of(self, moment: datetime) -> date:
        """Return the day on which a moment falls."""
        return moment.astimezone(self.zone).date()

    def day_off(self, day: date) -> str | None:
        """Say why nobody works on a day, or none for a working day."""
        holiday = self.holidays.get(day)
        if holiday is not None:
            return holiday
        weekday = day.weekday()
        return f"a {_WEEKDAYS[weekday]}" if weekday in self.weekend else None

    def working_day_from(self, day: date) -> date:
        """Return the day itself if it is a working day, else the next one that is."""
        for _ in range(_LONGEST_RUN_OFF):
            if day not in self.holidays and day.weekday() not in self.weekend:
                return day
            day += _DAY
        raise ValueError("a calendar without working days")

    def counted(self, first: date, term: Term, moved_by: str | None, paused: int) -> Reckoned:
        """Return what `reckon` says of a day, counted once however often it is asked for."""
        key = (first, term, moved_by, paused)
        found = self._counts.get(key)
        if found is None:
            if len(self._counts) >= _COUNTS_LIMIT:
                self._counts.clear()
            found = self._counts[key] = _count(first, term, self, moved_by, paused)
        return found


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The last moment of a term, and how it was found."""

    at: datetime
    counted_to: datetime
    """Where the count itself ends; before `at` where that was moved off days off."""

    why: str


def end_of(day: date, calendar: Calendar) -> datetime:
    """Return the last second of a day, in the calendar's zone."""
    return datetime.combine(day, _LAST_SECOND, calendar.zone)


def reckon(
    start: datetime,
    term: Term,
    calendar: Calendar,
    *,
    moved_by: str | None = None,
    paused: int = 0,
) -> Reckoned:
    """Count a term from a moment; it ends with the last second of its last day.

    The day of the event itself is not counted (Regulation 1182/71 article 3(1); the other regimes
    count so too). A month ends on the day of the same number, or on the month's last day where there
    is none (article 3(2)(c)).

    Args:
        start: The event.
        term: What is counted.
        calendar: Where, and around which days off.
        moved_by: The provision that moves an end on a day off to the next working day; none leaves
            it where it is.
        paused: Days that do not count, since the clock stood still; seconds where those are counted.
    """
    if term.unit is Unit.SECONDS:
        at = start.astimezone(UTC) + timedelta(seconds=term.amount + paused)
        at = at.astimezone(calendar.zone)
        return Reckoned(at, at, f"{term} after {start.astimezone(calendar.zone).isoformat()}")
    return calendar.counted(calendar.day_of(start), term, moved_by, paused)


def _count(
    first: date, term: Term, calendar: Calendar, moved_by: str | None, paused: int
) -> Reckoned:
    last = _last_day(first, term, calendar)
    why = f"{term} after {first} is {last}"
    if paused:
        last += _DAY * paused
        days = "1 day" if paused == 1 else f"{paused} days"
        why = f"{why}; the clock stood still for {days}, so {last}"
    end = end_of(last, calendar)
    off = calendar.day_off(last) if moved_by is not None else None
    if off is None:
        return Reckoned(end, end, why)
    last = calendar.working_day_from(last)
    why = f"{why}, {off}; moved to {_WEEKDAYS[last.weekday()]} {last}: {moved_by}"
    return Reckoned(end_of(last, calendar), end, why)


def _last_day(first: date, term: Term, calendar: Calendar) -> date:
    match term.unit:
        case Unit.DAYS | Unit.SECONDS:
            return first + _DAY * term.amount
        case Unit.BUSINESS_DAYS:
            day = first
            for _ in range(term.amount):
                day = calendar.working_day_from(day + _DAY)
            return day
        case Unit.MONTHS:
            return _months_after(first, term.amount)
        case Unit.YEARS:
            return _months_after(first, 12 * term.amount)


def _months_after(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, 12)
    year, month = first.year + years, month + 1
    return date(year, month, min(first.day, monthrange(year, month)[1]))
