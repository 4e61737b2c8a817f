"""Dating: which law counts a subject request's days, and to which dates it comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from dsr_core.closing import Outcome
from dsr_core.errors import RuleViolation
from dsr_core.law.calendars import Calendar, Unit
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.rules import COMPLAIN_BY, VERIFY_IDENTITY_BY, Applicable, Regime, Rules
from dsr_core.law.timeline import EXTENSION_NOTICE_BY, Timeline, timeline
from dsr_core.rights import Right
from dsr_intake.model import Dates, FollowsWhy, RequestView

__all__ = ["Dating", "Holidays", "verify_by"]


class Holidays(Protocol):
    """Gives the days that are public holidays in each of some jurisdictions."""

    def __call__(self, *jurisdictions: str) -> Mapping[date, str]:
        """Return them by date, with their names."""


_DATES_LIMIT = 10_000
_CALENDARS_LIMIT = 100
"""Each with a megabyte of what it has counted, at most."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Everything that the dates of a new request depend on, where they are counted in days."""

    rules_digest: str
    regime: str
    """On a day on which a law comes into force, which is not the same day in every zone."""

    jurisdiction: str
    right: Right
    received_on: date
    accepted_on: date
    is_attested: bool


class Dating:
    """Computes dates; what was computed for one request serves those of the same day and place."""

    def __init__(self, holidays: Holidays) -> None:
        self._dates: dict[_Asked, Dates] = {}

        @lru_cache(_CALENDARS_LIMIT)
        def kept(zone: str, jurisdictions: tuple[str, ...]) -> Calendar:
            return Calendar(ZoneInfo(zone), holidays(*jurisdictions))

        self._calendar = kept

    def dates(
        self,
        rules: Rules,
        *,
        jurisdiction: str,
        right: Right,
        received_at: datetime,
        accepted_at: datetime,
        is_attested: bool,
    ) -> Dates:
        """Return the dates of a new request; where its clock waits for a proof, it is due by that."""
        applicable, received_on = self._applicable(rules, jurisdiction, right, received_at)
        regime = applicable.regime
        accepted_on = _day_of(accepted_at, regime)
        asked = _Asked(
            rules.digest, regime.name, jurisdiction, right, received_on, accepted_on, is_attested
        )
        found = self._dates.get(asked)
        if found is not None:
            return found
        facts = _facts(received_at, received_at if is_attested else None)
        found_dates = timeline(regime, right, self.calendar(regime, jurisdiction), facts)
        until = None if is_attested else verify_by(found_dates)
        due_at = found_dates.respond_by or until
        if due_at is None:
            raise RuntimeError(f"{regime.name} has no date to answer {right} by")
        due_at = due_at.astimezone(UTC)
        dates = Dates(
            regime=regime.name,
            regime_why=applicable.why,
            rules_digest=rules.digest,
            received_on=received_on,
            due_at=due_at,
            tiers=regime.as_of(accepted_on).tiers,
            verify_identity_by=until,
        )
        if not any(rule.term.unit is Unit.SECONDS for rule in regime.rules):
            if len(self._dates) >= _DATES_LIMIT:
                self._dates.clear()
            self._dates[asked] = dates
        return dates

    def following(self, rules: Rules, followed: RequestView, *, at: datetime) -> Dates:
        """Return the dates of what follows a request by itself, counted from a date.

        They are those of the request's own regime, as it stands in the rules of now; where these have
        it no more, those that a new request would have.
        """
        regime, right = rules.regime(followed.regime), followed.right
        respond_by = None
        if regime is not None:
            calendar = self.calendar(regime, followed.jurisdiction)
            respond_by = timeline(regime, right, calendar, _facts(at, at)).respond_by
        if regime is None or respond_by is None:
            return self.dates(
                rules,
                jurisdiction=followed.jurisdiction,
                right=right,
                received_at=at,
                accepted_at=at,
                is_attested=True,
            )
        received_on = _day_of(at, regime)
        return Dates(
            regime=regime.name,
            regime_why=f"{regime.title} applies to the request that this one follows",
            rules_digest=rules.digest,
            received_on=received_on,
            due_at=respond_by.astimezone(UTC),
            tiers=regime.as_of(received_on).tiers,
            verify_identity_by=None,
        )

    def applicable(
        self,
        rules: Rules,
        jurisdiction: str,
        right: Right,
        *,
        received_at: datetime,
        accepted_at: datetime,
    ) -> Regime:
        """Return the regime whose rules apply to a new request, as of its acceptance."""
        regime = self._applicable(rules, jurisdiction, right, received_at)[0].regime
        return regime.as_of(_day_of(accepted_at, regime))

    def appeal(
        self, rules: Rules, followed: RequestView, *, at: datetime, accepted_at: datetime
    ) -> Dates:
        """Return the dates of an appeal against how a request ended, by the regime of that one.

        Raises:
            RuleViolation: It knows no appeal.
        """
        regime = rules.regime(followed.regime)
        dates = None
        if regime is not None:
            calendar = self.calendar(regime, followed.jurisdiction)
            facts = (*_facts(at, at), Fact(FactKind.APPEALED, at))
            dates = timeline(_of_appeals(regime), followed.right, calendar, facts)
        if regime is None or dates is None or dates.respond_by is None:
            raise RuleViolation("no_appeal", f"{followed.regime} gives no right to appeal")
        return Dates(
            regime=regime.name,
            regime_why=f"{regime.title} applies to the request that is appealed",
            rules_digest=rules.digest,
            received_on=_day_of(at, regime),
            due_at=dates.respond_by.astimezone(UTC),
            tiers=regime.as_of(_day_of(accepted_at, regime)).tiers,
            verify_identity_by=None,
        )

    @staticmethod
    def regime(rules: Rules, one: RequestView) -> Regime:
        """Return the regime of a request, from the rules that it pins, as of its acceptance."""
        regime = rules.regime(one.regime)
        if regime is None:
            raise RuntimeError("a request's regime is in the rules that it pins")
        return regime.as_of(_day_of(one.accepted_at, regime))

    def timeline(self, regime: Regime, one: RequestView) -> Timeline:
        """Return every date of a request as it stands."""
        return self.of_facts(regime, one, self.facts(one))

    def of_facts(self, regime: Regime, one: RequestView, facts: Iterable[Fact]) -> Timeline:
        """Return every date that a request would have, were these the facts."""
        if one.follows_why is FollowsWhy.APPEAL:
            regime = _of_appeals(regime)
        return timeline(regime, one.right, self.calendar(regime, one.jurisdiction), facts)

    def extended(self, regime: Regime, one: RequestView, *, at: datetime) -> datetime | None:
        """Return the date that a request has if its person is told of an extension at a moment.

        None where that is too late, so that the date would stay.
        """
        told = (*self.facts(one), Fact(FactKind.EXTENSION_NOTIFIED, at))
        dates = self.of_facts(regime, one, told)
        notice = dates.entry(EXTENSION_NOTICE_BY)
        if notice is None or (notice.at is not None and dates.respond_by == notice.at):
            return None
        return dates.respond_by or one.due_at

    def complain_by(self, regime: Regime, one: RequestView, *, at: datetime) -> datetime | None:
        """Return until when a person can complain who is told of a refusal at a moment.

        None where no rule says, or where that was over before.
        """
        told = (*self.facts(one), Fact(FactKind.REFUSED, at))
        entry = self.of_facts(regime, one, told).entry(COMPLAIN_BY)
        return entry.at if entry and entry.at and entry.at > at else None

    def facts(self, one: RequestView) -> tuple[Fact, ...]:
        """Return what has happened to a request, as far as its dates go."""
        told = [Fact(FactKind.ANSWERED, one.answered_at)] if one.answered_at else []
        # Who gets a part was refused the rest.
        if one.answered_at and one.outcome in {Outcome.REFUSED, Outcome.PARTLY_FULFILLED}:
            told.append(Fact(FactKind.REFUSED, one.answered_at))
        return (*_facts(one.received_at, one.identity_proven_at), *one.facts, *told)

    def calendar(self, regime: Regime, jurisdiction: str) -> Calendar:
        """Return the calendar by which a regime counts the days of a person of a jurisdiction.

        It is the same one each time, so that what it has counted serves the next request.
        """
        return self._calendar(regime.zone, regime.holidays_of(jurisdiction))

    def _applicable(
        self, rules: Rules, jurisdiction: str, right: Right, received_at: datetime
    ) -> tuple[Applicable, date]:
        applicable = rules.applicable(jurisdiction, right, lambda one: _day_of(received_at, one))
        return applicable, _day_of(received_at, applicable.regime)


def _day_of(moment: datetime, regime: Regime) -> date:
    return moment.astimezone(ZoneInfo(regime.zone)).date()


def _of_appeals(regime: Regime) -> Regime:
    """Return a regime without the dates that a request has by itself: an appeal has its own."""
    own = {FactKind.RECEIVED, FactKind.IDENTITY_PROVEN}
    return replace(regime, rules=tuple(one for one in regime.rules if one.counts_from not in own))


def _facts(received_at: datetime, identity_proven_at: datetime | None) -> tuple[Fact, ...]:
    received = Fact(FactKind.RECEIVED, received_at)
    if identity_proven_at is None:
        return (received,)
    return (received, Fact(FactKind.IDENTITY_PROVEN, identity_proven_at))


def verify_by(dates: Timeline) -> datetime | None:
    """Return by when it must be proven who asks: the date for it, else the answer's own."""
    entry = dates.entry(VERIFY_IDENTITY_BY)
    at = entry.at if entry else dates.respond_by
    return at.astimezone(UTC) if at else None
