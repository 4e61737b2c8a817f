"""The tree's geometry: which complete subtrees cover a range of leaves, and folding them into a hash.

A complete subtree never changes once all its leaves are there, so its hash is stored; any root or
proof is folded from a few of them. RFC 6962 section 2.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Place", "Range", "cover", "fold", "node"]


class Place(NamedTuple):
    """A complete subtree: the `number`-th, from nought, of those with two to the power of `level` leaves."""

    level: int
    number: int


class Range(NamedTuple):
    """The leaves from `start` up to, and without, `end`."""

    start: int
    end: int


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node from those of its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def cover(leaves: Range) -> Iterator[Place]:
    """Yield the complete subtrees of a subtree of RFC 6962's recursion, from left to right.

    The range starts where a subtree of the recursion does; each place is the largest that fits.
    """
    start = leaves.start
    while start < leaves.end:
        level = (leaves.end - start).bit_length() - 1
        yield Place(level, start >> level)
        start += 1 << level


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over the subtrees that `cover` gave; SHA-256 of nothing where there are none."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    folded = hashes[-1]
    for one in reversed(hashes[:-1]):
        folded = node(one, folded)
    return folded
