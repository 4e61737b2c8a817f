"""The log's proofs and tiles are those of a plain tree, written here from RFC 6962, word for word."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_wire.log.growth import Edge, edge_tiles, grow
from dsr_wire.log.notes import InvalidNote, NoteSigner, open_note, sign_note
from dsr_wire.log.proofs import (
    ProofFailed,
    check_consistency,
    check_inclusion,
    consistency,
    inclusion,
    prove_consistency,
    prove_inclusion,
    range_hash,
)
from dsr_wire.log.tiles import FULL, Tile, bundle, entries, node_in, tile_of, tiles_of
from dsr_wire.log.tree import Place, Range, cover, fold
from dsr_wire.merkle import leaf_hash

ALL = [leaf_hash(b"leaf %d" % number) for number in range(1_200)]
SMALL = [leaf_hash(b"small %d" % number) for number in range(1_500)]
sizes = st.integers(1, 70) | st.integers(250, 260) | st.integers(500, 1_200)


def split(width: int) -> int:
    return 1 << ((width - 1).bit_length() - 1)


def plain_root(leaves: Sequence[bytes]) -> bytes:
    """Section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + plain_root(leaves[:k]) + plain_root(leaves[k:])).digest()


def plain_path(leaves: Sequence[bytes], m: int) -> tuple[bytes, ...]:
    """Section 2.1.1."""
    if len(leaves) == 1:
        return ()
    k = split(len(leaves))
    if m < k:
        return (*plain_path(leaves[:k], m), plain_root(leaves[k:]))
    return (*plain_path(leaves[k:], m - k), plain_root(leaves[:k]))


def plain_growth(leaves: Sequence[bytes], m: int, *, is_known: bool = True) -> tuple[bytes, ...]:
    """Section 2.1.2: SUBPROOF."""
    if m == len(leaves):
        return () if is_known else (plain_root(leaves),)
    k = split(len(leaves))
    if m <= k:
        return (*plain_growth(leaves[:k], m, is_known=is_known), plain_root(leaves[k:]))
    return (*plain_growth(leaves[k:], m - k, is_known=False), plain_root(leaves[:k]))


def plain_tile(leaves: Sequence[bytes], tile: Tile) -> bytes:
    """C2SP tlog-tiles, its formula."""
    width = FULL**tile.level
    first = tile.index * FULL
    return b"".join(
        plain_root(leaves[(first + i) * width : (first + i + 1) * width]) for i in range(tile.width)
    )


def from_tiles(leaves: Sequence[bytes], wanted: Range) -> bytes:
    size = len(leaves)
    places = [(one, tile_of(one, size)) for one in cover(wanted)]
    return fold([node_in(tile, plain_tile(leaves, tile), place) for place, tile in places])


@given(sizes, st.data())
def test_inclusion_is_the_rfc_s_and_is_shown(size: int, data: st.DataObject) -> None:
    leaves = ALL[:size]
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(leaves, index)
    assert proof == plain_path(leaves, index)
    check_inclusion(leaves[index], index=index, size=size, hashes=proof, root=plain_root(leaves))


@given(sizes, st.data())
def test_consistency_is_the_rfc_s_and_is_shown(size: int, data: st.DataObject) -> None:
    leaves = ALL[:size]
    first = data.draw(st.integers(1, size))
    proof = prove_consistency(leaves, first)
    assert proof == plain_growth(leaves, first)
    check_consistency(
        first=first,
        second=size,
        first_root=plain_root(leaves[:first]),
        second_root=plain_root(leaves),
        hashes=proof,
    )


@given(sizes, st.data())
def test_a_changed_leaf_is_a_fork_that_no_proof_covers(size: int, data: st.DataObject) -> None:
    leaves = ALL[:size]
    first = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, first - 1))
    fork = [*leaves[:changed], leaf_hash(b"another"), *leaves[changed + 1 :]]
    with pytest.raises(ProofFailed):
        check_consistency(
            first=first,
            second=size,
            first_root=plain_root(leaves[:first]),
            second_root=plain_root(fork),
            hashes=prove_consistency(fork, first),
        )


@given(sizes, st.data())
def test_a_changed_cut_or_longer_proof_shows_nothing(size: int, data: st.DataObject) -> None:
    leaves = ALL[:size]
    first = data.draw(st.integers(1, size))
    proof = list(prove_consistency(leaves, first))
    changed = list(proof)
    match data.draw(st.sampled_from(["changed", "cut", "longer"])):
        case "changed" if proof:
            changed[data.draw(st.integers(0, len(proof) - 1))] = leaf_hash(b"another")
        case "cut" if proof:
            changed.pop()
        case _:
            changed.append(leaf_hash(b"another"))
    with pytest.raises(ProofFailed):
        check_consistency(
            first=first,
            second=size,
            first_root=plain_root(leaves[:first]),
            second_root=plain_root(leaves),
            hashes=changed,
        )


@given(st.integers(0, 90), st.integers(0, 90), st.lists(st.sampled_from(ALL[:4]), max_size=9))
def test_a_proof_of_anybody_s_is_followed_or_refused(
    first: int, second: int, hashes: list[bytes]
) -> None:
    if first in {second, 0}:
        hashes = [*hashes, ALL[0]]
    with pytest.raises(ProofFailed):
        check_consistency(
            first=first,
            second=second,
            first_root=ALL[5],
            second_root=ALL[6],
            hashes=hashes,
        )


@given(sizes, st.data())
def test_a_range_s_hash_comes_from_tiles_as_from_leaves(size: int, data: st.DataObject) -> None:
    leaves = ALL[:size]
    index = data.draw(st.integers(0, size - 1))
    first = data.draw(st.integers(1, size))
    for wanted in (Range(0, size), *inclusion(index, size), *consistency(first, size)):
        assert from_tiles(leaves, wanted) == range_hash(leaves, wanted)


@given(sizes)
def test_every_subtree_s_tile_is_one_of_the_tree_s(size: int) -> None:
    tiles = set(tiles_of(size))
    for level in range(size.bit_length()):
        for index in range(size >> level):
            tile = tile_of(Place(level, index), size)
            assert tile in tiles
            assert tile.is_in(size)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=5))
def test_a_tree_that_grows_in_steps_has_the_tiles_and_the_root_of_one_made_at_once(
    steps: list[int],
) -> None:
    edge, kept = Edge(0), dict[tuple[int, int], bytes]()
    for step in steps:
        growth = grow(edge, SMALL[edge.size : edge.size + step])
        for place, data in growth.tiles.items():
            assert data.startswith(kept.get(place, b""))  # a tile only grows
        kept.update(growth.tiles)
        edge = growth.edge
    leaves = SMALL[: sum(steps)]
    assert edge.size == len(leaves)
    assert edge.root() == plain_root(leaves)
    tiles = list(tiles_of(len(leaves)))
    assert kept == {(one.level, one.index): plain_tile(leaves, one) for one in tiles}
    partial = [one for one in tiles if not one.is_full]
    assert list(edge_tiles(len(leaves))) == partial
    read = Edge.read(len(leaves), {one: kept[one.level, one.index] for one in partial})
    assert read == edge


@given(st.integers(0, 10**12), st.integers(0, 63), st.integers(1, 256), st.booleans())
def test_a_tile_s_path_is_read_as_it_was_written(
    index: int,
    level: int,
    width: int,
    is_entries: bool,  # noqa: FBT001 - Hypothesis gives it by place
) -> None:
    tile = Tile(0 if is_entries else level, index, width, is_entries)
    assert Tile.parse(tile.path) == tile


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_is_read_as_it_was_written(content: list[bytes]) -> None:
    assert list(entries(bundle(content), len(content))) == content


@given(st.data())
def test_no_letter_of_a_signed_note_can_be_changed(data: st.DataObject) -> None:
    signer = NoteSigner.parse(
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    )
    signed = sign_note("log.example.test\n3\nroot\n", [signer])
    place = data.draw(st.integers(0, len(signed) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda one: one != signed[place]))
    with pytest.raises(InvalidNote):
        open_note(signed[:place] + letter + signed[place + 1 :], [signer.public])
