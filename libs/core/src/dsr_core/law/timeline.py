"""The timeline: every legal date of one subject request, from the rules and the facts so far.

A pure function. The same facts in any order give the same dates, and a fact never moves a date that
lies before it: what is past stays past, whatever is learnt later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dsr_core.law.calendars import Calendar, Reckoned, Term, Unit, reckon
from dsr_core.law.facts import Fact, FactKind, in_order
from dsr_core.law.rules import ANSWER_APPEAL_BY, RESPOND_BY, Regime, Rule
from dsr_core.rights import Right

__all__ = ["EXTENSION_NOTICE_BY", "Entry", "Timeline", "timeline"]

EXTENSION_NOTICE_BY = "extension_notice_by"
"""The entry that says until when the person can be told of an extension."""

_REST_OF_ITS_SECOND = timedelta(microseconds=999_999)
_NOTHING = timedelta(0)

_OF_CLARIFICATIONS = (FactKind.CLARIFICATION_ASKED, FactKind.CLARIFICATION_GIVEN)
_OF_EXTENSIONS = (
    FactKind.EXTENSION_DECIDED,
    FactKind.EXTENSION_NOTIFIED,
    FactKind.EXTENSION_CAME_BACK,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One date of a timeline."""

    name: str
    at: datetime | None
    """The last second that is in time; none while the date depends on something that is awaited."""

    rule: str
    """The provision, and the version of the rule that states it."""

    why: str
    """The arithmetic in words, or what is awaited."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The dates of one subject request, in order; those without a date last."""

    entries: tuple[Entry, ...]

    def entry(self, name: str) -> Entry | None:
        """Return an entry by name, or none."""
        return next((one for one in self.entries if one.name == name), None)

    @property
    def respond_by(self) -> datetime | None:
        """The date by which the person has the answer; none while it depends on something awaited.

        Of an appeal, which has no other, it is the date of the answer to that.
        """
        entry = self.entry(RESPOND_BY) or self.entry(ANSWER_APPEAL_BY)
        return entry.at if entry else None


def timeline(regime: Regime, right: Right, calendar: Calendar, facts: Iterable[Fact]) -> Timeline:
    """Compute every date of a subject request.

    Of several facts of one kind, the earliest receipt, proof of identity, refusal, appeal and answer
    count; every clarification does. An extension counts once, and only if the person was told of it
    by `extension_notice_by`, and what told them has not come back.

    Args:
        regime: The regime that applies, of the rules that the request pins.
        right: What the person asked for.
        calendar: Of the requester's jurisdiction, in the zone of the regime's establishment.
        facts: What has happened so far, in any order, repeated or not.

    Raises:
        ValueError: Nothing was received, so that there is nothing to count from.
    """
    happened = _Happened(facts)
    received = happened.first.get(FactKind.RECEIVED)
    if received is None:
        raise ValueError("a timeline begins with a receipt")
    rules = regime.in_force(right, calendar.day_of(received))
    entries = [entry for rule in rules for entry in _entries(rule, calendar, happened, received)]
    due = next((one.at for one in entries if one.name == RESPOND_BY), None)
    for rule in rules:
        deemed = _deemed(rule, calendar, happened, due) if rule.unanswered and due else None
        if deemed is not None:
            entries = [deemed, *(one for one in entries if one.name != rule.name)]
    entries.sort(key=lambda one: (one.at is None, one.at or received, one.name))
    return Timeline(tuple(entries))


class _Happened:
    """The facts, sorted out once for every rule."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.first: dict[FactKind, datetime] = {}
        """When each kind of fact happened first."""

        self.moving: list[Fact] = []
        """What can move a date, in the order in which it happened."""

        self.has_extensions = False
        for fact in in_order(facts):
            self.first.setdefault(fact.kind, fact.effective_at)
            if fact.kind in _OF_EXTENSIONS:
                self.moving.append(fact)
                self.has_extensions = True
            elif fact.kind in _OF_CLARIFICATIONS:
                self.moving.append(fact)


def _entries(
    rule: Rule, calendar: Calendar, happened: _Happened, received: datetime
) -> Iterator[Entry]:
    start = happened.first.get(rule.counts_from)
    # A refusal, an appeal, an answer need never come; until one does, there is no such date.
    provision = f"{rule.citation} (version {rule.version})"
    if start is None and rule.counts_from is not FactKind.IDENTITY_PROVEN:
        return
    clock = _Clock(rule, calendar, max(start, received)) if start else None
    unextended = clock.run(happened.moving, extension=None) if clock else _awaited(rule)
    if rule.extension is None:
        yield Entry(name=rule.name, at=unextended.at, rule=provision, why=unextended.why)
        return
    extending = f"{rule.extension.citation} (version {rule.version})"
    due = unextended
    if clock and happened.has_extensions:
        due = clock.run(happened.moving, extension=rule.extension.term)
    counted_by = extending if due.is_extended else provision
    yield Entry(name=rule.name, at=due.at, rule=counted_by, why=due.why)
    yield Entry(
        name=EXTENSION_NOTICE_BY,
        at=unextended.at,
        rule=extending,
        why=f"the person must be told before the time is over: {unextended.why}",
    )


def _deemed(rule: Rule, calendar: Calendar, happened: _Happened, due: datetime) -> Entry | None:
    """Return the date that counts from a refusal by silence; none where there was an answer in time.

    A refusal that comes later has a date of its own, unless the other has passed by then.
    """
    refused = happened.first.get(FactKind.REFUSED)
    answered = happened.first.get(FactKind.ANSWERED)
    spoken = [one for one in (answered, refused) if one is not None]
    clock = _Clock(rule, calendar, due)
    if spoken and not clock.is_past(due, min(spoken)):
        return None
    found = clock.run(happened.moving, extension=None)
    if refused is not None and found.at is not None and not clock.is_past(found.at, refused):
        return None
    silence = f"without an answer by {calendar.day_of(due)} it is refused ({rule.unanswered})"
    provision = f"{rule.citation} (version {rule.version})"
    return Entry(name=rule.name, at=found.at, rule=provision, why=f"{silence}; {found.why}")


@dataclass(frozen=True, slots=True)
class _Due:
    """Where a clock ends; nowhere while it stands still."""

    at: datetime | None
    why: str
    is_extended: bool


def _awaited(rule: Rule) -> _Due:
    why = f"{rule.term} after the proof of identity, which is awaited"
    return _Due(None, why, is_extended=False)


class _Clock:
    """Counts one date, fact by fact, so that none can move what lies before it."""

    def __init__(self, rule: Rule, calendar: Calendar, start: datetime) -> None:
        self._rule = rule
        self._calendar = calendar
        self._start = start
        # The last second of a day is in time as a whole; what is counted in seconds ends sharply.
        self._grace = _NOTHING if rule.term.unit is Unit.SECONDS else _REST_OF_ITS_SECOND

    def run(self, moving: Iterable[Fact], *, extension: Term | None) -> _Due:
        """Return the date as the facts leave it; without an extension, as if none had been told."""
        paused, told, untold = 0, False, ""
        asked: datetime | None = None
        reckoned = self._reckon(self._rule.term, paused)
        if self._rule.pauses is None and extension is None:
            return _Due(reckoned.at, reckoned.why, told)
        for fact in moving:
            # What happened before the clock began counts from its beginning.
            at = max(fact.effective_at, self._start)
            match fact.kind:
                case FactKind.CLARIFICATION_ASKED if self._rule.pauses and asked is None:
                    # A weekend that moves the date gives no days that could be left out.
                    if not self.is_past(reckoned.counted_to, at):
                        asked = at
                    continue
                case FactKind.CLARIFICATION_GIVEN if asked is not None:
                    paused += self._between(asked, at)
                    asked = None
                case kind if kind in _OF_EXTENSIONS and extension is not None:
                    stood = self._between(asked, at) if asked else 0
                    is_late = self.is_past(self._reckon(self._rule.term, paused + stood).at, at)
                    if kind is FactKind.EXTENSION_NOTIFIED:
                        is_late = is_late and asked is None
                    told, untold = self._told(fact.kind, at, untold, told=told, is_late=is_late)
                case _:
                    continue
            term = self._rule.term.plus(extension) if told and extension else self._rule.term
            reckoned = self._reckon(term, paused)
        if asked is not None:
            why = f"the clock stands still since {self._day(asked)}: {self._rule.pauses}"
            return _Due(None, why, told)
        why = f"{reckoned.why}; {untold}" if untold else reckoned.why
        return _Due(reckoned.at, why, told)

    def _told(
        self,
        kind: FactKind,
        at: datetime,
        untold: str,
        *,
        told: bool,
        is_late: bool,
    ) -> tuple[bool, str]:
        """Return whether the person is told of an extension after a fact, and in words why not."""
        match kind:
            case FactKind.EXTENSION_NOTIFIED if not told and is_late:
                return False, f"an extension told on {self._day(at)} came too late"
            case FactKind.EXTENSION_NOTIFIED:
                return True, ""
            case FactKind.EXTENSION_CAME_BACK if told and not is_late:
                return False, f"what told of an extension on {self._day(at)} came back"
            case FactKind.EXTENSION_DECIDED if not told:
                return (
                    False,
                    f"an extension decided on {self._day(at)} counts once the person is told",
                )
            case _:
                return told, untold

    def _day(self, at: datetime) -> date:
        return self._calendar.day_of(at)

    def is_past(self, end: datetime, at: datetime) -> bool:
        """Tell whether a moment lies after an end, and all of the end's last second."""
        return at - end > self._grace

    def _reckon(self, term: Term, paused: int) -> Reckoned:
        moved_by = self._rule.moved_by
        return reckon(self._start, term, self._calendar, moved_by=moved_by, paused=paused)

    def _between(self, asked: datetime, given: datetime) -> int:
        if self._rule.term.unit is Unit.SECONDS:
            return int((given - asked).total_seconds())
        return (self._calendar.day_of(given) - self._calendar.day_of(asked)).days
