"""Awaiting: an erasure waits for what was accepted with it, and hands the same person's data over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dsr_intake.model import Draft
from dsr_intake.model.awaiting import erases, hands_over, is_awaited

__all__ = ["together"]


def together(drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts of one transaction, each that erases with what it waits for among the others.

    They are accepted at one moment, so whichever comes first in the order given. Who repeats an open
    request is answered with that, which the store has found; who is answered already is not open.
    """
    handing = [one for one in drafts if hands_over(one) and _is_followed(one)]
    if not handing:
        return list(drafts)
    return [_after(one, handing) if erases(one) else one for one in drafts]


def _is_followed(draft: Draft) -> bool:
    begun = draft.beginning
    return draft.duplicate_of is None and (begun is None or begun.answer is None)


def _after(draft: Draft, handing: Sequence[Draft]) -> Draft:
    found = (
        one.request_id
        for one in handing
        if is_awaited(
            set(one.lookup_hashes),
            is_proven=one.submission.is_attested,
            client_id=one.client_id,
            by=draft,
        )
    )
    return replace(draft, after=(*draft.after, *found))
