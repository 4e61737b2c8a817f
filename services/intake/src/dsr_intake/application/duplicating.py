"""Duplicates: who asks again for what is open already is answered together with the first asking.

Only a request whose requester is proven takes part, on either side, so that an unverified one never
rides on a verified one: it takes part once it is proven. The plan, the law and its version must be the
same, and the date of the first yet to come: the earliest clock wins. Where the one that comes later has
the earlier date, that of the first is brought forward to it, unless somebody has moved it. What differs
goes its own way, and only names what it is related to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from dsr_intake.model import Draft, OpenTwin, RequestView

__all__ = ["linked", "repeated"]


def linked(drafts: Sequence[Draft], twins: Iterable[OpenTwin]) -> list[Draft]:
    """Return the drafts in the order given, each with the open request that it repeats, if any."""
    first: dict[bytes, list[OpenTwin]] = {}
    for twin in twins:
        first.setdefault(twin.person_hash, []).append(twin)
    found: dict[str, Draft] = {}
    for draft in sorted(drafts, key=lambda one: one.dates.due_at):  # the earliest clock comes first
        if draft.person_hash is None:
            found[draft.request_id] = draft
            continue
        known = first.setdefault(draft.person_hash, [])
        found[draft.request_id] = one = _linked(draft, draft.person_hash, known)
        if one.duplicate_of is None and draft.submission.is_attested:
            known.append(_twin(draft, draft.person_hash))
    return [found[draft.request_id] for draft in drafts]


def repeated(
    one: RequestView, twins: Iterable[OpenTwin], *, due_at: datetime, at: datetime
) -> OpenTwin | None:
    """Return the open request that one repeats of which it is proven at a moment who asks, if any.

    Args:
        one: The request as it stood before the proof.
        twins: The open requests of the same person and right.
        due_at: Its date, counted with the proof.
        at: When it is proven.
    """
    own = OpenTwin(
        person_hash=b"",
        request_id=one.request_id,
        jurisdiction=one.jurisdiction,
        regime=one.regime,
        rules_digest=one.rules_digest,
        registry_digest=one.registry_digest,
        due_at=due_at,
        may_be_repeated=True,
        may_be_brought_forward=True,
    )
    return next((each for each in twins if _answers(each, own, at)), None)


def _linked(draft: Draft, person_hash: bytes, known: Sequence[OpenTwin]) -> Draft:
    own, at = _twin(draft, person_hash), draft.accepted_at
    is_proven = draft.submission.is_attested
    original = next((one for one in known if is_proven and _answers(one, own, at)), None)
    if original is None:
        return replace(draft, related_to=known[0].request_id) if known else draft
    due_at = min(original.due_at, draft.dates.due_at)
    return replace(
        draft, duplicate_of=original.request_id, dates=replace(draft.dates, due_at=due_at)
    )


def _answers(one: OpenTwin, later: OpenTwin, at: datetime) -> bool:
    """Tell whether a request that came or was proven at a moment is answered with an open one."""
    return (
        one.may_be_repeated
        and (one.may_be_brought_forward or one.due_at <= later.due_at)
        and one.jurisdiction == later.jurisdiction
        and one.regime == later.regime
        and one.rules_digest == later.rules_digest
        and one.registry_digest == later.registry_digest
        and at < one.due_at
    )


def _twin(draft: Draft, person_hash: bytes) -> OpenTwin:
    return OpenTwin(
        person_hash=person_hash,
        request_id=draft.request_id,
        jurisdiction=draft.submission.jurisdiction,
        regime=draft.dates.regime,
        rules_digest=draft.dates.rules_digest,
        registry_digest=draft.registry_digest,
        due_at=draft.dates.due_at,
        may_be_repeated=True,
        may_be_brought_forward=True,
    )
