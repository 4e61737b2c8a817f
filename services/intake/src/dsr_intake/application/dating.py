"""Dating: which law counts a subject request's days, and to which dates it comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from dsr_core.law.calendars import Calendar, Unit
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.rules import Applicable, Regime, Rules
from dsr_core.law.timeline import Timeline, timeline
from dsr_core.rights import Right
from dsr_intake.model import Dates, RequestView

__all__ = ["Dating", "Holidays"]

Holidays = Callable[[str], Mapping[date, str]]
"""Gives the public holidays of a jurisdiction."""

_DATES_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class _Asked:
    """Everything that the dates of a new request depend on, where they are counted in days."""

    rules_digest: str
    jurisdiction: str
    right: Right
    received_on: date


class Dating:
    """Computes dates; what was computed for one request serves those of the same day and place."""

    def __init__(self, holidays: Holidays) -> None:
        self._holidays = holidays
        self._dates: dict[_Asked, Dates] = {}

    def dates(
        self, rules: Rules, *, jurisdiction: str, right: Right, received_at: datetime
    ) -> Dates:
        """Return the dates of a request whose identity is attested."""
        applicable, received_on = self._applicable(rules, jurisdiction, right, received_at)
        asked = _Asked(rules.digest, jurisdiction, right, received_on)
        found = self._dates.get(asked)
        if found is not None:
            return found
        regime = applicable.regime
        facts = _attested(received_at)
        due_at = timeline(regime, right, self.calendar(regime, jurisdiction), facts).respond_by
        if due_at is None:
            raise RuntimeError(f"{regime.name} has no date to answer an attested request by")
        due_at = due_at.astimezone(UTC)
        dates = Dates(
            regime=regime.name,
            regime_why=applicable.why,
            rules_digest=rules.digest,
            received_on=received_on,
            due_at=due_at,
            tiers=regime.tiers,
        )
        if not any(rule.term.unit is Unit.SECONDS for rule in regime.rules):
            if len(self._dates) >= _DATES_LIMIT:
                self._dates.clear()
            self._dates[asked] = dates
        return dates

    @staticmethod
    def regime(rules: Rules, one: RequestView) -> Regime:
        """Return the regime of a request, from the rules that it pins."""
        regime = rules.regime(one.regime)
        if regime is None:
            raise RuntimeError("a request's regime is in the rules that it pins")
        return regime

    def timeline(self, regime: Regime, one: RequestView) -> Timeline:
        """Return every date of a request as it stands."""
        calendar = self.calendar(regime, one.jurisdiction)
        return timeline(regime, one.right, calendar, self.facts(one))

    def facts(self, one: RequestView) -> tuple[Fact, ...]:
        """Return what has happened to a request, as far as its dates go."""
        answered = [Fact(FactKind.ANSWERED, one.answered_at)] if one.answered_at else []
        return (*_attested(one.received_at), *answered)

    def calendar(self, regime: Regime, jurisdiction: str) -> Calendar:
        """Return the calendar by which a regime counts the days of a person of a jurisdiction."""
        return Calendar(ZoneInfo(regime.zone), self._holidays(regime.holidays or jurisdiction))

    def _applicable(
        self, rules: Rules, jurisdiction: str, right: Right, received_at: datetime
    ) -> tuple[Applicable, date]:
        # Which regime applies may depend on the day, and the day on the regime's zone: asked twice,
        # where the days differ.
        day = received_at.astimezone(UTC).date()
        applicable = rules.applicable(jurisdiction, right, day)
        local = received_at.astimezone(ZoneInfo(applicable.regime.zone)).date()
        if local != day:
            applicable = rules.applicable(jurisdiction, right, local)
        return applicable, received_at.astimezone(ZoneInfo(applicable.regime.zone)).date()


def _attested(received_at: datetime) -> tuple[Fact, ...]:
    """Return the facts of a request that arrived together with the proof of who asks."""
    return (Fact(FactKind.RECEIVED, received_at), Fact(FactKind.IDENTITY_PROVEN, received_at))
