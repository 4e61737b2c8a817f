"""Pictures of one request: its legal dates on one scale, and how long each system took on another.

Only places are computed here, in percent; the templates draw them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dsr_core.errors import Unavailable
from dsr_core.ids import SystemId
from dsr_core.law.facts import Fact, in_order
from dsr_core.law.timeline import Timeline
from dsr_intake.application.console.cells import Standing, standing
from dsr_intake.model.console import RequestProgress

__all__ = ["Answers", "Dates", "Lane", "Mark", "answers_picture", "dates_picture"]

_EDGE = 2.0
"""Percent that are left free at both ends, so that a mark there is whole."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, or a date."""

    number: int
    name: str
    at: datetime | None
    """None of a date that depends on something that is awaited."""

    place: float
    day: int
    """Days since the first."""

    is_fact: bool
    is_over: bool
    rule: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Dates:
    """Facts and dates in their order."""

    marks: tuple[Mark, ...]
    now: float
    """The place of now; the end where all has passed."""


@dataclass(frozen=True, slots=True)
class Lane:
    """How long one system has taken."""

    system_id: SystemId
    standing: Standing | None
    width: float
    took: timedelta


@dataclass(frozen=True, slots=True)
class Answers:
    """How long each system has taken, the quickest first."""

    lanes: tuple[Lane, ...]
    span: timedelta
    """What the whole width stands for."""


def dates_picture(
    facts: Iterable[Fact], dates: Timeline, *, now: datetime, is_ended: bool
) -> Dates:
    """Return where each fact and each date stands between the first and the last.

    What is late goes on to now.
    """
    found = [(one.effective_at, one.kind.value, True, "", "") for one in in_order(facts)]
    known = [(one.at, one.name, False, one.rule, one.why) for one in dates.entries if one.at]
    rows = sorted([*found, *known], key=lambda row: (row[0], not row[2]))
    first, last = rows[0][0], rows[-1][0]
    if not is_ended:
        last = max(last, now)
    marks = [
        Mark(
            number,
            name,
            at,
            _place(at, first, last),
            (at - first).days,
            is_fact=is_fact,
            is_over=at <= now,
            rule=rule,
            why=why,
        )
        for number, (at, name, is_fact, rule, why) in enumerate(rows, 1)
    ]
    awaited = [
        Mark(0, one.name, None, 0.0, 0, is_fact=False, is_over=False, rule=one.rule, why=one.why)
        for one in dates.entries
        if one.at is None
    ]
    return Dates((*marks, *awaited), _place(min(max(now, first), last), first, last))


def answers_picture(
    document: Mapping[str, Any], progress: RequestProgress, *, now: datetime
) -> Answers | None:
    """Return how long each system has taken since the obligations were opened; none before that.

    Raises:
        Unavailable: The verifier's answer cannot be read.
    """
    try:
        opened = document.get("opened_at")
        if opened is None:
            return None
        since = datetime.fromisoformat(opened)
        until = _moment(document.get("closed_at")) or now
        took = {
            SystemId(one["system_id"]): max(
                ((_moment(one.get("recorded_at")) if one.get("is_confirmed") else None) or until)
                - since,
                timedelta(),
            )
            for one in document["obligations"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("the verifier's obligations cannot be read") from error
    span = max(took.values(), default=timedelta()) or timedelta(seconds=1)
    lanes = [
        Lane(one, standing(progress, one), max(100 * (length / span), 0.5), length)
        for one, length in sorted(took.items(), key=lambda pair: (pair[1], pair[0]))
    ]
    return Answers(tuple(lanes), span)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _place(at: datetime, first: datetime, last: datetime) -> float:
    span = (last - first) or timedelta(seconds=1)
    return round(_EDGE + (100 - 2 * _EDGE) * ((at - first) / span), 2)
