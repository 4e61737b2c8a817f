"""Promises: an extension that was decided counts once the person is told of it, and until then may not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dsr_core.law.facts import FactKind
from dsr_core.law.timeline import EXTENSION_NOTICE_BY, Timeline
from dsr_core.lifecycle import ASKED
from dsr_intake.application.extending import is_told
from dsr_intake.model import Letter, LetterKind, LetterState, RequestView

__all__ = ["AtRisk", "Upcoming", "at_risk"]

_UNSENT = {
    LetterState.WAITING: "waits for the mail server",
    LetterState.SENT: "is being recorded as sent",
    LetterState.BOUNCED: "came back",
    LetterState.GIVEN_UP: "was given up",
}


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Something that will happen without anybody's doing."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class AtRisk:
    """An extension that was decided, and that the person was not told of."""

    what: str
    since: datetime
    by: datetime | None
    """Until when they can be told; none while the clock stands still."""

    upcoming: Upcoming | None
    contact: str | None
    owner: str = "Privacy office"


def at_risk(
    one: RequestView,
    dates: Timeline,
    letters: Sequence[Letter],
    *,
    contact: str | None,
    now: datetime,
) -> AtRisk | None:
    """Return the extension of which a person can still be told, and was not; none where there is none."""
    notice = dates.entry(EXTENSION_NOTICE_BY)
    decided = [each for each in one.facts if each.kind is FactKind.EXTENSION_DECIDED]
    if one.state not in ASKED or notice is None or not decided or is_told(one.facts):
        return None
    if notice.at is not None and notice.at < now:
        return None
    letter = next((each for each in reversed(letters) if each.kind is LetterKind.EXTENDED), None)
    state = letter.state if letter else LetterState.GIVEN_UP
    upcoming = None
    if letter is not None and letter.next_try_at is not None:
        upcoming = Upcoming(letter.next_try_at, "the letter that tells of it is tried again")
    return AtRisk(
        what=f"an extension was decided, and the letter that tells of it {_UNSENT[state]}: "
        "it counts only if the person is told in time",
        since=letter.settled_at if letter and letter.settled_at else decided[-1].effective_at,
        by=notice.at,
        upcoming=upcoming,
        contact=contact,
    )
