"""Duplicates: who asks again for what is open already is answered together with the first asking.

Only a request whose requester is proven takes part, on either side, so that an unverified one never
rides on a verified one. The plan, the law and its version must be the same, and the date of the first
must be no later and yet to come: the earliest clock wins. What differs goes its own way, and only
names what it is related to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from dsr_intake.model import Draft, OpenTwin

__all__ = ["linked"]


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
        found[draft.request_id] = one = _linked(draft, known)
        if one.duplicate_of is None and draft.submission.is_attested:
            known.append(_twin(draft, draft.person_hash))
    return [found[draft.request_id] for draft in drafts]


def _linked(draft: Draft, known: Sequence[OpenTwin]) -> Draft:
    original = next((one for one in known if _answers(one, draft)), None)
    if original is None:
        return replace(draft, related_to=known[0].request_id) if known else draft
    return replace(
        draft,
        duplicate_of=original.request_id,
        dates=replace(draft.dates, due_at=original.due_at),
    )


def _answers(one: OpenTwin, draft: Draft) -> bool:
    return (
        draft.submission.is_attested
        and one.may_be_repeated
        and one.jurisdiction == draft.submission.jurisdiction
        and one.rules_digest == draft.dates.rules_digest
        and one.registry_digest == draft.registry_digest
        and draft.accepted_at < one.due_at <= draft.dates.due_at
    )


def _twin(draft: Draft, person_hash: bytes) -> OpenTwin:
    return OpenTwin(
        person_hash=person_hash,
        request_id=draft.request_id,
        jurisdiction=draft.submission.jurisdiction,
        rules_digest=draft.dates.rules_digest,
        registry_digest=draft.registry_digest,
        due_at=draft.dates.due_at,
        may_be_repeated=True,
    )
