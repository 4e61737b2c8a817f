"""Acknowledgements, and what a set of them says of one obligation.

Answers come late, twice and in any order. So an obligation's standing is never updated in place: it
is a function of the set of answers, and the same set gives the same standing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from dsr_core.errors import RejectedInput
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import ANSWERS, CONFIRMING, Disposition, Right

__all__ = ["Acknowledgement", "Exemption", "Standing", "check", "standing"]

_NEEDS_EXEMPTIONS = frozenset({Disposition.EXEMPT, Disposition.PARTIALLY_EXEMPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A legal ground on which a system keeps some data."""

    ground: str
    """A citation, for example `HGB 257` or `GDPR 17(3)(b)`."""

    review_at: datetime
    """When the ground must be looked at again."""

    categories: tuple[str, ...] = ()
    """Keys of the fideslang taxonomy that are kept, sorted."""

    records: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A system's answer to one obligation."""

    request_id: RequestId
    system_id: SystemId
    right: Right
    disposition: Disposition
    sequence: int
    """Counts the answers of one obligation from 1, in the system's outcome store."""

    answered_at: datetime
    records: int = 0
    exemptions: tuple[Exemption, ...] = ()
    reason: str = ""
    """Why not, without personal data."""

    retry_at: datetime | None = None

    @property
    def confirms(self) -> bool:
        """Whether this answer, taken alone, ends its obligation."""
        return self.disposition in CONFIRMING[self.right]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one obligation stands."""

    answer: Acknowledgement | None
    """The answer that counts; none while there is no answer at all."""

    is_confirmed: bool
    is_contradicted: bool
    """The answers speak against each other, and nothing since has settled it."""

    contradictions: int
    """How often they have, settled or not."""


def check(acknowledgement: Acknowledgement) -> None:
    """Accept an answer that is complete and allowed under its right.

    Raises:
        RejectedInput: The disposition does not answer that right, or an exemption lacks its evidence.
    """
    disposition = acknowledgement.disposition
    if disposition not in ANSWERS[acknowledgement.right]:
        detail = f"{disposition} does not answer a request for {acknowledgement.right}"
        raise RejectedInput("disposition_not_allowed", detail, field="disposition")
    if acknowledgement.sequence < 1:
        raise RejectedInput("invalid_sequence", "sequences count from 1", field="sequence")
    if disposition in _NEEDS_EXEMPTIONS and not acknowledgement.exemptions:
        detail = f"{disposition} needs at least one ground with its review date"
        raise RejectedInput("missing_exemption", detail, field="exemptions")
    if any(not exemption.ground.strip() for exemption in acknowledgement.exemptions):
        raise RejectedInput("missing_ground", "an exemption needs its ground", field="exemptions")


def standing(answers: Iterable[Acknowledgement]) -> Standing:
    """Say where an obligation stands, given every answer to it in any order and however often.

    The answer with the highest sequence counts. `not_found` after `erased` is the same news, and the
    erasure stays the evidence. An answer that does not confirm after one that did, or two different
    answers under one sequence, are a contradiction: the obligation is then not confirmed until a
    later answer confirms it. Of an answer that was sent again, the first sending counts.
    """
    sendings = sorted(answers, key=_sent, reverse=True)
    if len(sendings) == 1:
        return Standing(sendings[0], sendings[0].confirms, is_contradicted=False, contradictions=0)
    distinct = sorted({_content(one): one for one in sendings}.values(), key=_order)
    current: Acknowledgement | None = None
    confirmed = contradicted = False
    contradictions = 0
    for _, group in groupby(distinct, key=lambda one: one.sequence):
        candidates = _without_same_news(list(group))
        latest = candidates[-1]
        if len(candidates) > 1 or (confirmed and not latest.confirms):
            current, confirmed, contradicted = latest, False, True
            contradictions += 1
        elif latest.confirms:
            repeats = confirmed and current is not None and _is_same_news(latest, after=current)
            current = current if repeats else latest
            confirmed, contradicted = True, False
        else:
            current = latest
    return Standing(current, confirmed, contradicted, contradictions)


def _without_same_news(candidates: list[Acknowledgement]) -> list[Acknowledgement]:
    erased = [one for one in candidates if one.disposition is Disposition.ERASED]
    if len(erased) != 1:
        return candidates
    return [one for one in candidates if one.disposition is not Disposition.NOT_FOUND]


def _is_same_news(later: Acknowledgement, *, after: Acknowledgement) -> bool:
    return later.disposition is Disposition.NOT_FOUND and after.disposition is Disposition.ERASED


def _content(one: Acknowledgement) -> tuple[object, ...]:
    return (one.sequence, one.disposition, one.records, one.exemptions, one.reason)


def _sent(one: Acknowledgement) -> tuple[datetime, bool, datetime]:
    return (one.answered_at, one.retry_at is not None, one.retry_at or one.answered_at)


def _order(one: Acknowledgement) -> tuple[int, bool, str, str]:
    return (one.sequence, one.confirms, one.disposition.value, repr(_content(one)))
