"""A timeline from dates that a person gives, without a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from dsr_cli.errors import CommandError
from dsr_cli.registry.taxonomy import is_jurisdiction
from dsr_core.law.calendars import Calendar
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.rules import Regime, Rules
from dsr_core.law.timeline import timeline
from dsr_core.rights import Right
from dsr_runtime.holidays import public_holidays
from dsr_wire.documents import timeline_document

__all__ = ["what_if"]

_YEARS = range(1970, 2101)
"""Those for which there are rules, or holidays."""


def what_if(
    rules: Rules,
    *,
    regime: str | None,
    right: Right,
    jurisdiction: str,
    days: Mapping[FactKind, Sequence[str]],
) -> dict[str, Any]:
    """Return the timeline of a request that these facts would make, as the API gives one.

    Args:
        rules: The rules to count by.
        regime: The regime to count by; the one that applies in the jurisdiction where none is named.
        right: What would be asked for.
        jurisdiction: Whose holidays count.
        days: When what happened: days, or moments with their offset.

    Raises:
        CommandError: The regime or the jurisdiction is unknown, or was not in force; a date is
            none, or nothing was received.
    """
    if not is_jurisdiction(jurisdiction):
        raise CommandError(f"{jurisdiction!r} is no ISO 3166 code such as 'DE' or 'US-CA'")
    received = days.get(FactKind.RECEIVED)
    if not received:
        raise CommandError("a timeline begins with a receipt: give --received")
    chosen, why = _regime(rules, regime, jurisdiction, right, received[0])
    holidays = public_holidays(*chosen.holidays_of(jurisdiction))
    calendar = Calendar(ZoneInfo(chosen.zone), holidays)
    facts = [
        Fact(kind, _moment(text, calendar.zone)) for kind, texts in days.items() for text in texts
    ]
    return timeline_document(
        timeline(chosen, right, calendar, facts),
        facts,
        regime=chosen,
        regime_why=why,
        rules_digest=rules.digest,
        right=right,
        jurisdiction=jurisdiction,
    )


def _regime(
    rules: Rules, name: str | None, jurisdiction: str, right: Right, received: str
) -> tuple[Regime, str]:
    if name is None:
        applicable = rules.applicable(jurisdiction, right, lambda one: _day(received, one))
        return applicable.regime, applicable.why
    regime = rules.regime(name)
    if regime is None:
        known = ", ".join(one.name for one in rules.regimes)
        raise CommandError(f"there is no regime '{name}'; there are {known}")
    day = _day(received, regime)
    if not regime.in_force(right, day):
        raise CommandError(
            f"{regime.title} had no date for {right} on {day}; "
            "without --regime, the one that applies is taken"
        )
    return regime, "it was asked for"


def _day(text: str, regime: Regime) -> date:
    zone = ZoneInfo(regime.zone)
    return _moment(text, zone).astimezone(zone).date()


def _moment(text: str, zone: tzinfo) -> datetime:
    moment = _parsed(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _parsed(text: str) -> datetime:
    """Read a day, which means its noon, or a moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no date; write it as 2026-01-31") from None
    if moment.year not in _YEARS:
        known = f"{_YEARS[0]} to {_YEARS[-1]}"
        raise CommandError(f"{text!r} is too far away; dates are counted from {known}")
    return datetime.combine(moment, time(12)) if len(text) <= len("2026-01-31") else moment
