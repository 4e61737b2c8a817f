"""Promises: what counts once the person is told of it, and until then may not, or comes too late.

An extension that was decided is one, and that the request arrived, where a law has a date for telling so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dsr_core.law.facts import FactKind
from dsr_core.law.rules import ACKNOWLEDGE_RECEIPT_BY
from dsr_core.law.timeline import EXTENSION_NOTICE_BY, Timeline
from dsr_core.lifecycle import ASKED
from dsr_intake.application.extending import is_told
from dsr_intake.model import Letter, LetterKind, LetterState, RequestView
from dsr_intake.model.letters import NOT_IN_TIME

__all__ = ["AtRisk", "Upcoming", "at_risk", "receipt_untold"]

_UNSENT = {
    LetterState.WAITING: "waits for the mail server",
    LetterState.SENT: "is being recorded as sent",
    LetterState.BOUNCED: "came back",
    LetterState.GIVEN_UP: "was given up",
}

_TRIED_AGAIN = 2
"""How many tries say that a letter did not go out at the first."""


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Something that will happen without anybody's doing."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class AtRisk:
    """What the person was not told of, and has to be by a date."""

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
    return AtRisk(
        what=f"an extension was decided, and the letter that tells of it {_UNSENT[state]}: "
        "it counts only if the person is told in time",
        since=letter.settled_at if letter and letter.settled_at else decided[-1].effective_at,
        by=notice.at,
        upcoming=_next_try(letter),
        contact=contact,
    )


def _next_try(letter: Letter | None) -> Upcoming | None:
    if letter is None or letter.next_try_at is None:
        return None
    return Upcoming(letter.next_try_at, "the letter that tells of it is tried again")


def receipt_untold(
    one: RequestView,
    dates: Timeline,
    letters: Sequence[Letter],
    *,
    contact: str | None,
    now: datetime,
) -> AtRisk | None:
    """Return that a person was not told by letter that the request arrived, where a law dates that.

    None where they are told, or the letter is on its first way before the date. A letter that somebody
    gave up, with a reason, has been seen: the person is told another way. After the date it stays, as late.
    """
    entry = dates.entry(ACKNOWLEDGE_RECEIPT_BY)
    letter = next((each for each in reversed(letters) if each.kind is LetterKind.RECEIVED), None)
    if one.answered_at is not None or entry is None or entry.at is None or letter is None:
        return None
    is_late = entry.at < now
    if _is_told(letter) or (_is_on_its_first_way(letter) and not is_late):
        return None
    late = "; the date for it has passed" if is_late else ""
    return AtRisk(
        what="the person has to be told that the request arrived, and the letter that tells of it "
        f"{_UNSENT[letter.state]}{late}",
        since=letter.settled_at or letter.waiting_since,
        by=entry.at,
        upcoming=_next_try(letter),
        contact=contact,
    )


def _is_told(letter: Letter) -> bool:
    is_seen = letter.state is LetterState.GIVEN_UP and letter.reason != NOT_IN_TIME
    return letter.state is LetterState.SENT or is_seen


def _is_on_its_first_way(letter: Letter) -> bool:
    return letter.state is LetterState.WAITING and letter.tries < _TRIED_AGAIN
