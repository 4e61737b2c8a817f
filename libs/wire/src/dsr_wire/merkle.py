"""Merkle trees with RFC 6962 hashing, section 2.1: roots, and paths that show one leaf alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

__all__ = ["leaf_hash", "path", "root", "root_from_path"]


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; SHA-256 of nothing for an empty tree."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


def path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the hashes that lead from one leaf to the root, from the bottom up.

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    found: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            found.append(level[sibling])
        paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level, index = paired, index // 2
    return tuple(found)


def root_from_path(leaf: bytes, index: int, size: int, hashes: Sequence[bytes]) -> bytes:
    """Return the root that a leaf hash and its path lead to.

    Raises:
        ValueError: The path has not the length that the place in the tree demands.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    remaining = list(hashes)
    current, width = leaf, size
    while width > 1:
        if index ^ 1 < width:
            if not remaining:
                raise ValueError("the path is too short")
            sibling = remaining.pop(0)
            current = _node(sibling, current) if index % 2 else _node(current, sibling)
        index, width = index // 2, (width + 1) // 2
    if remaining:
        raise ValueError("the path is too long")
    return current


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
