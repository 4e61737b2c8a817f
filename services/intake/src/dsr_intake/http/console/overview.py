"""How the loop stands, and what consumers refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from fastapi import APIRouter, Response

from dsr_intake.application.console.looking import Overview
from dsr_intake.http.console.frame import Frame, Visit
from dsr_intake.model.console import DUE_WITHIN, GroupLag
from dsr_runtime.http.problems import Problem

__all__ = ["add"]

_DAY = 86_400
_BEHIND = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the picture of dates."""

    label: str
    count: int
    share: float
    """Of the longest bar, in percent."""

    is_late: bool
    is_soon: bool


def add(routes: APIRouter, frame: Frame) -> None:
    """Add the pages."""

    async def overview(visit: Visit) -> Response:
        seen = await visit.looking.overview(visit.who)
        return visit.page(
            "overview",
            "Overview",
            seen=seen,
            bars=_bars(seen),
            lags=_behind(seen.lags.value or ()),
            owed=_owed(seen),
        )

    async def letters(visit: Visit) -> Response:
        if not visit.who.sight.is_unbounded:
            detail = "dead letters take somebody who sees every jurisdiction"
            raise Problem(403, "jurisdiction_missing", detail)
        shown = await visit.looking.letters()
        topic, reason = visit.asked("topic"), visit.asked("reason")
        letters = [
            one
            for one in (shown.value.newest if shown.value else ())
            if topic in {"", one.topic} and reason in {"", one.reason}
        ]
        return visit.page("dead-letters", "Dead letters", shown=shown, letters=letters)

    frame.add(routes, "", overview)
    frame.add(routes, "/dead-letters", letters)


def _bars(seen: Overview) -> list[Bar]:
    standing = seen.standing.value
    if standing is None:
        return []
    names = ["late"]
    for lower, upper in zip(DUE_WITHIN, (*DUE_WITHIN[1:], None), strict=True):
        first, last = lower // _DAY, upper // _DAY if upper else None
        names.append(f"{first}\u2013{last} d" if last else f"over {first} d")
    longest = max(*standing.due, 1)
    return [
        Bar(name, count, 100 * count / longest, is_late=place == 0, is_soon=place in {1, 2})
        for place, (name, count) in enumerate(zip(names, standing.due, strict=True))
    ]


def _behind(lags: list[GroupLag] | tuple[()]) -> list[GroupLag]:
    """Return the groups that are furthest behind, and those of the services in any case."""
    by_size = sorted(lags, key=lambda one: (-one.records, one.group, one.topic))
    services = [one for one in by_size if not one.group.startswith("dsr.organisation.")]
    behind = [one for one in by_size if one.records and one not in services]
    return [*services, *behind][: max(_BEHIND, len(services))]


def _owed(seen: Overview) -> list[tuple[str, int]]:
    """Return the organisations that owe most of what is open, as far as the reader sees it."""
    counts: Counter[str] = Counter()
    for one in seen.ledger.value.missing if seen.ledger.value else ():
        counts[one.organisation_id] += one.obligations
    return counts.most_common(8)
