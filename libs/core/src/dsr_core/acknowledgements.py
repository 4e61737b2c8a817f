"""Acknowledgements, and what a set of them says of one obligation.

Answers come late, twice and in any order. So an obligation's standing is never updated in place: it
is a function of the set of answers, and the same set gives the same standing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from dsr_core.errors import RejectedInput
from dsr_core.exports import FILES_LIMIT, Delivery
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import ANSWERS, CONFIRMING, STOPPING, Disposition, Right

__all__ = [
    "EXEMPTIONS_LIMIT",
    "LINKS_BYTES",
    "TEXT_LIMIT",
    "Acknowledgement",
    "Exemption",
    "SettledBy",
    "Standing",
    "check",
    "standing",
]

EXEMPTIONS_LIMIT = 50
"""How many exemptions one answer holds at most."""

TEXT_LIMIT = 10_000
"""How many characters the grounds and categories of one answer have at most, all of them together.

With these limits every answer fits into one record of any transport; reasons are cut on their way.
"""

LINKS_BYTES = 16 * 1024
"""How long the sealed links of one answer are at most."""

_LARGEST = 2**63 - 1
"""The largest number that every store can hold."""

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_GONE = frozenset({Disposition.ERASED, Disposition.ABSENT})
"""After these, to find nothing is no news."""

_HANDS_OVER = frozenset({Disposition.DELIVERED, Disposition.PARTIALLY_EXEMPT})
"""With these there may be an export."""

_DIGEST_BYTES = 32
_SEALED_KEY_LIMIT = 2048
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
class SettledBy:
    """Who answered in place of a system: two people, one of whom proposed what the other approved."""

    proposed_by: str
    approved_by: str
    revision: int
    """Of the command that their decision became; of two decisions at one time the higher counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A system's answer to one obligation, or that of two people in its place."""

    request_id: RequestId
    system_id: SystemId
    right: Right
    disposition: Disposition
    sequence: int
    """Counts the answers of one obligation from 1, in the system's outcome store; 0 in one by people."""

    answered_at: datetime
    records: int = 0
    exemptions: tuple[Exemption, ...] = ()
    reason: str = ""
    """Why not, without personal data."""

    retry_at: datetime | None = None
    delivery: Delivery | None = None
    """What was handed over through the program, and where it lies; only with `delivered` or
    `partially_exempt`."""

    settled_by: SettledBy | None = None
    """Who answered in place of the system; none where the system did."""

    sealed_links: bytes = field(default=b"", repr=False, compare=False)
    """Other identifiers of the person, for intake alone; it says nothing of what the answer means."""

    @property
    def confirms(self) -> bool:
        """Whether this answer, taken alone, says that the right is met."""
        return self.disposition in CONFIRMING[self.right]

    def ends(self, *, stopping: bool) -> bool:
        """Tell whether this answer, taken alone, ends its obligation.

        `stopped` and `too_late` do where the request is being stopped, and nowhere else.
        """
        return self.confirms or (stopping and self.disposition in STOPPING)


class Standing(NamedTuple):
    """Where one obligation stands."""

    answer: Acknowledgement | None
    """The answer that counts; none while there is no answer at all."""

    is_confirmed: bool
    is_contradicted: bool
    """The answers speak against each other, and nothing since has settled it."""

    contradictions: int
    """How often they have, settled or not."""


def check(acknowledgement: Acknowledgement) -> None:
    """Accept an answer that is complete, allowed under its right, and fit to be sent and stored.

    What is refused here could never reach the ledger, however often it were sent.

    Raises:
        RejectedInput: The disposition does not answer that right, an exemption lacks its evidence,
            there is more of it than one record holds, or no store takes it.
    """
    disposition = acknowledgement.disposition
    if disposition not in ANSWERS[acknowledgement.right]:
        detail = f"{disposition} does not answer a request for {acknowledgement.right}"
        raise RejectedInput("disposition_not_allowed", detail, field="disposition")
    if acknowledgement.sequence < 1:
        raise RejectedInput("invalid_sequence", "sequences count from 1", field="sequence")
    _check_number(acknowledgement.sequence, field="sequence")
    _check_number(acknowledgement.records, field="records")
    _check_text(acknowledgement.reason, field="reason")
    if disposition is Disposition.REFUSED and not acknowledgement.reason.strip():
        raise RejectedInput("missing_ground", "a refusal needs its ground", field="reason")
    if len(acknowledgement.sealed_links) > LINKS_BYTES:
        detail = f"sealed links have at most {LINKS_BYTES} bytes"
        raise RejectedInput("too_large", detail, field="sealed_links")
    if acknowledgement.delivery is not None:
        _check_delivery(acknowledgement.delivery, disposition)
    if acknowledgement.exemptions:
        _check_exemptions(acknowledgement.exemptions)
    elif disposition in _NEEDS_EXEMPTIONS:
        detail = f"{disposition} needs at least one ground with its review date"
        raise RejectedInput("missing_exemption", detail, field="exemptions")


def _check_delivery(delivery: Delivery, disposition: Disposition) -> None:
    if disposition not in _HANDS_OVER:
        detail = f"{disposition} hands nothing over"
        raise RejectedInput("invalid_field", detail, field="delivery")
    _check_number(delivery.size, field="delivery.size")
    _check_number(delivery.index_size, field="delivery.index_size")
    if not 1 <= delivery.files <= FILES_LIMIT:
        detail = f"an export holds 1 to {FILES_LIMIT} files"
        raise RejectedInput("invalid_field", detail, field="delivery.files")
    if len(delivery.index_digest) != _DIGEST_BYTES:
        detail = "the digest of the index is none"
        raise RejectedInput("invalid_field", detail, field="delivery.index_digest")
    if not 0 < len(delivery.sealed_key) <= _SEALED_KEY_LIMIT:
        detail = "the sealed key of the export is none"
        raise RejectedInput("invalid_field", detail, field="delivery.sealed_key")


def _check_exemptions(exemptions: tuple[Exemption, ...]) -> None:
    if any(not exemption.ground.strip() for exemption in exemptions):
        raise RejectedInput("missing_ground", "an exemption needs its ground", field="exemptions")
    if len(exemptions) > EXEMPTIONS_LIMIT:
        detail = f"an answer holds at most {EXEMPTIONS_LIMIT} exemptions"
        raise RejectedInput("too_large", detail, field="exemptions")
    if sum(map(_text_length, exemptions)) > TEXT_LIMIT:
        detail = f"grounds and categories have at most {TEXT_LIMIT} characters together"
        raise RejectedInput("too_large", detail, field="exemptions")
    for exemption in exemptions:
        _check_number(exemption.records, field="exemptions.records")
        _check_text(exemption.ground, field="exemptions.ground")
        for category in exemption.categories:
            _check_text(category, field="exemptions.categories")
        if "" in exemption.categories:
            detail = "a category is empty"
            raise RejectedInput("invalid_field", detail, field="exemptions.categories")


def _text_length(exemption: Exemption) -> int:
    return len(exemption.ground) + sum(map(len, exemption.categories))


def _check_number(value: int, *, field: str) -> None:
    if not 0 <= value <= _LARGEST:
        raise RejectedInput("invalid_field", f"{field} is out of range", field=field)


def _check_text(value: str, *, field: str) -> None:
    """Refuse half a character, which has no UTF-8, and the character zero, which has no column."""
    if value and ("\x00" in value or _HALF_CHARACTER.search(value)):
        detail = f"{field} holds a character that no store takes"
        raise RejectedInput("invalid_field", detail, field=field)


def standing(
    answers: Iterable[Acknowledgement], *, stopping: bool = False, looks_again: bool = False
) -> Standing:
    """Say where an obligation stands, given every answer to it in any order and however often.

    The answer with the highest sequence counts. `not_found` after `erased` is the same news, and so is
    `too_late` after any answer that met the right: what came first stays the evidence. An answer that
    does not confirm after one that did, `stopped` after one that met the right, or two different
    answers under one sequence, are a contradiction: the obligation is then not confirmed until a
    later answer confirms it. Of an answer that was sent again, the first sending counts.

    An answer by two people counts as the system's would, after all that the system had answered by
    the time of their decision; what it answers later is held against theirs.

    A system that has to look again has confirmed with `absent`, and not with its `erased` alone;
    anything else after that `erased` is held against it just as if it had confirmed.

    Args:
        answers: Every answer, those by people included.
        stopping: Whether the request is being stopped, so that `stopped` and `too_late` confirm.
        looks_again: Whether the system has to look again after an erasure. Who stops, need not.
    """
    looks_again = looks_again and not stopping
    sendings = list(answers)
    if len(sendings) == 1:
        ends = _ends(sendings[0], stopping=stopping, looks_again=looks_again)
        return Standing(sendings[0], ends, is_contradicted=False, contradictions=0)
    sendings.sort(key=_sent, reverse=True)
    current: Acknowledgement | None = None
    confirmed = contradicted = False
    contradictions = 0
    for turn in _turns({_content(one): one for one in sendings}.values()):
        latest = turn[-1]
        ends = _ends(latest, stopping=stopping, looks_again=looks_again)
        has_claimed = looks_again and current is not None and _is_erased(current)
        before = current if confirmed or has_claimed else None
        if len(turn) > 1 or (before and _contradicts(latest, before, ends=ends)):
            current, confirmed, contradicted = latest, False, True
            contradictions += 1
        elif before is None or not _is_same_news(latest, after=before):
            current = latest
            confirmed, contradicted = ends, contradicted and not ends
    return Standing(current, confirmed, contradicted, contradictions)


def _ends(one: Acknowledgement, *, stopping: bool, looks_again: bool) -> bool:
    """Tell whether an answer ends its obligation; people need not look again."""
    is_open = looks_again and _is_erased(one) and one.settled_by is None
    return one.ends(stopping=stopping) and not is_open


def _is_erased(one: Acknowledgement) -> bool:
    return one.disposition is Disposition.ERASED


def _turns(distinct: Collection[Acknowledgement]) -> Iterator[list[Acknowledgement]]:
    """Yield answers in the order in which they count, those under one sequence together."""

    def turn(one: Acknowledgement) -> tuple[int, int]:
        if one.settled_by is None:
            return (one.sequence, 0)
        known = (
            other.sequence
            for other in distinct
            if other.settled_by is None and other.answered_at <= one.answered_at
        )
        return (max(known, default=0), 1 + one.settled_by.revision)

    for _, group in groupby(sorted(distinct, key=lambda one: (turn(one), _order(one))), key=turn):
        yield _without_same_news(list(group))


def _without_same_news(candidates: list[Acknowledgement]) -> list[Acknowledgement]:
    erased = [one for one in candidates if _is_erased(one)]
    if len(erased) == 1:
        candidates = [one for one in candidates if one.disposition is not Disposition.NOT_FOUND]
    in_time = [one for one in candidates if one.disposition is not Disposition.TOO_LATE]
    return in_time if len(in_time) == 1 and in_time[0].confirms else candidates


def _is_same_news(later: Acknowledgement, *, after: Acknowledgement) -> bool:
    if later.disposition is Disposition.TOO_LATE:
        return after.confirms
    return later.disposition is Disposition.NOT_FOUND and after.disposition in _GONE


def _contradicts(later: Acknowledgement, before: Acknowledgement, *, ends: bool) -> bool:
    if later.disposition is Disposition.STOPPED and before.confirms:
        return True
    is_repeated = _is_erased(later) and _is_erased(before)
    return not ends and not is_repeated and not _is_same_news(later, after=before)


def _content(one: Acknowledgement) -> tuple[object, ...]:
    content: tuple[object, ...]
    content = (one.sequence, one.disposition, one.records, one.exemptions, one.reason)
    content = content if one.delivery is None else (*content, one.delivery)
    return content if one.settled_by is None else (*content, one.settled_by)


def _sent(one: Acknowledgement) -> tuple[datetime, bool, datetime]:
    return (one.answered_at, one.retry_at is not None, one.retry_at or one.answered_at)


def _order(one: Acknowledgement) -> tuple[int, bool, str, str]:
    return (one.sequence, one.confirms, one.disposition.value, repr(_content(one)))
