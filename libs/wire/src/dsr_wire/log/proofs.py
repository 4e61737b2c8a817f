"""Inclusion and consistency proofs: RFC 6962 sections 2.1.1 and 2.1.2, checked as RFC 9162 says.

A proof is a list of ranges of leaves, each of which gives one hash. Whoever has the leaves or the
tiles turns the ranges into hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsr_wire import merkle
from dsr_wire.log.tree import Range, cover, fold, node

__all__ = [
    "Proof",
    "ProofFailed",
    "check_consistency",
    "check_inclusion",
    "consistency",
    "inclusion",
    "prove_consistency",
    "prove_inclusion",
    "range_hash",
]


@dataclass(frozen=True, slots=True)
class Proof:
    """A leaf's place in the log, with what shows it to whoever has the log's key."""

    index: int
    size: int
    """Of the tree that the checkpoint is of."""

    hashes: tuple[bytes, ...]
    """The inclusion proof."""

    checkpoint: str
    """The checkpoint: a signed note, with the cosignatures that had come."""


class ProofFailed(ValueError):  # noqa: N818 - named for what has happened, as all errors here
    """A proof does not show what it is said to show."""


def inclusion(index: int, size: int) -> tuple[Range, ...]:
    """Return the ranges whose hashes lead from a leaf to the root, from the bottom up.

    Raises:
        ValueError: There is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    found: list[Range] = []
    whole = Range(0, size)
    while whole.end - whole.start > 1:
        middle = _split(whole)
        left, right = Range(whole.start, middle), Range(middle, whole.end)
        whole, other = (left, right) if index < middle else (right, left)
        found.append(other)
    return tuple(reversed(found))


def consistency(first: int, second: int) -> tuple[Range, ...]:
    """Return the ranges whose hashes show that a tree grew into another by appending alone.

    Raises:
        ValueError: The sizes do not grow.
    """
    if not 0 <= first <= second:
        raise ValueError("a tree only grows")
    if first in {0, second}:
        return ()
    found: list[Range] = []
    whole, is_known = Range(0, second), True
    while whole.end != first:
        middle = _split(whole)
        if first <= middle:
            found.append(Range(middle, whole.end))
            whole = Range(whole.start, middle)
        else:
            found.append(Range(whole.start, middle))
            whole, is_known = Range(middle, whole.end), False
    if not is_known:
        found.append(whole)
    return tuple(reversed(found))


def check_inclusion(
    leaf: bytes, *, index: int, size: int, hashes: Sequence[bytes], root: bytes
) -> None:
    """Return if a leaf hash stands at its place in the tree with this root.

    Raises:
        ProofFailed: It does not, or the proof is not for that place.
    """
    try:
        found = merkle.root_from_path(leaf, index, size, hashes)
    except ValueError as error:
        raise ProofFailed(str(error)) from error
    if found != root:
        raise ProofFailed("the path does not lead to the root")


def check_consistency(
    *, first: int, second: int, first_root: bytes, second_root: bytes, hashes: Sequence[bytes]
) -> None:
    """Return if the second tree has the first one's leaves as its own first: RFC 9162, 2.1.4.2.

    Raises:
        ProofFailed: It is not shown.
    """
    if not 0 <= first <= second:
        raise ProofFailed("a tree only grows")
    if first in {0, second}:
        _check_without_hashes(first, second, first_root, second_root, hashes)
        return
    remaining = list(hashes)
    # A first tree that is complete is a subtree of the second one, and is not in the proof.
    start = first_root if first & (first - 1) == 0 else _taken(remaining)
    old = new = start
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    while last:
        if number & 1 or number == last:
            one = _taken(remaining)
            old, new = node(one, old), node(one, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node(new, _taken(remaining))
        number, last = number >> 1, last >> 1
    if remaining:
        raise ProofFailed("the proof is too long")
    if old != first_root:
        raise ProofFailed("the proof does not lead to the first root")
    if new != second_root:
        raise ProofFailed("the proof does not lead to the second root")


def range_hash(leaves: Sequence[bytes], wanted: Range) -> bytes:
    """Return the hash of a range from all leaf hashes."""
    return fold(
        [
            merkle.root(leaves[one.number << one.level : (one.number + 1) << one.level])
            for one in cover(wanted)
        ]
    )


def prove_inclusion(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the proof for one of a few leaf hashes, all of which are at hand."""
    return tuple(range_hash(leaves, one) for one in inclusion(index, len(leaves)))


def prove_consistency(leaves: Sequence[bytes], first: int) -> tuple[bytes, ...]:
    """Return the proof from a size to that of these leaf hashes, all of which are at hand."""
    return tuple(range_hash(leaves, one) for one in consistency(first, len(leaves)))


def _split(leaves: Range) -> int:
    """Return where the recursion divides: after the largest power of two less than the width."""
    width = leaves.end - leaves.start
    return leaves.start + (1 << ((width - 1).bit_length() - 1))


def _taken(remaining: list[bytes]) -> bytes:
    if not remaining:
        raise ProofFailed("the proof is too short")
    return remaining.pop(0)


def _check_without_hashes(
    first: int, second: int, first_root: bytes, second_root: bytes, hashes: Sequence[bytes]
) -> None:
    if hashes:
        raise ProofFailed("the proof is too long")
    if first == 0 and first_root != fold(()):
        raise ProofFailed("the first root is not that of an empty tree")
    if first == second and first_root != second_root:
        raise ProofFailed("the same size has two roots")
