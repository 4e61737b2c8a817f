"""Awaiting: an erasure waits for what hands the same person's data over."""

from __future__ import annotations

from collections.abc import Collection

from dsr_core.rights import RIGHTS
from dsr_intake.model import Draft

__all__ = ["erases", "hands_over", "is_awaited", "known_by"]


def erases(draft: Draft) -> bool:
    """Tell whether a draft has something to wait for."""
    return RIGHTS[draft.submission.right].erases and draft.submission.appeal_of is None


def hands_over(draft: Draft) -> bool:
    """Tell whether a draft is waited for."""
    return RIGHTS[draft.submission.right].hands_over


def known_by(draft: Draft) -> tuple[bytes, ...]:
    """Return the keyed hashes of what a draft's person gave, under every key."""
    return (*draft.lookup_hashes, *draft.former_hashes)


def is_awaited(hashes: Collection[bytes], *, is_proven: bool, client_id: str, by: Draft) -> bool:
    """Tell whether an erasure waits for a request that hands data over.

    It is the same person where all identifiers of one request are among those of the other. Whoever is
    not proven to ask delays nobody else's erasure: such a request counts for its own client alone.

    Args:
        hashes: What the other request's person gave, under one key.
        is_proven: Whether it is proven who asks there.
        client_id: Who submitted it.
        by: The erasure.
    """
    if not is_proven and client_id != by.client_id:
        return False
    shared = len(set(known_by(by)).intersection(hashes))
    return shared >= min(len(hashes), len(by.lookup_hashes))
