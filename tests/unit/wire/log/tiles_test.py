"""Tiles, against the numbers and paths of C2SP tlog-tiles."""

from __future__ import annotations

from collections import Counter

import pytest

from dsr_wire.log.growth import Edge, edge_tiles, grow
from dsr_wire.log.tiles import InvalidTile, Tile, bundle, entries, entries_of, node_in, tiles_of
from dsr_wire.log.tree import Place


def test_a_tree_of_seventy_thousand_has_the_specification_s_tiles() -> None:
    found = list(tiles_of(70_000))
    assert Counter((one.level, one.width) for one in found) == {
        (0, 256): 273,
        (0, 112): 1,
        (1, 256): 1,
        (1, 17): 1,
        (2, 1): 1,
    }


def test_a_tree_of_one_full_tile_has_a_partial_one_above() -> None:
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]


def test_an_empty_tree_has_no_tile() -> None:
    assert list(tiles_of(0)) == []
    assert list(entries_of(0)) == []


def test_bundles_start_with_the_one_that_holds_the_place() -> None:
    assert [one.path for one in entries_of(600, 300)] == ["entries/001", "entries/002.p/88"]


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "0/000"),
        (Tile(0, 999), "0/999"),
        (Tile(0, 1000), "0/x001/000"),
        (Tile(3, 1234067), "3/x001/x234/067"),
        (Tile(0, 273, 112), "0/273.p/112"),
        (Tile(0, 1234067, 8, is_entries=True), "entries/x001/x234/067.p/8"),
        (Tile(63, 0, 1), "63/000.p/1"),
    ],
)
def test_a_tile_s_path_is_the_specification_s(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0/0",
        "0/00",
        "0/0000",
        "00/000",
        "64/000",
        "99/000",
        "-1/000",
        "0/x000/000",
        "0/001/000",
        "0/x001/x00/000",
        "0/000.p/0",
        "0/000.p/01",
        "0/000.p/256",
        "0/000.p/999",
        "0/000.p",
        "0/000/",
        "0/../000",
        "0/\u0661\u0661\u0661",
        "entries/000.p/",
        "Entries/000",
    ],
)
def test_a_path_in_another_form_names_no_tile(path: str) -> None:
    with pytest.raises(InvalidTile):
        Tile.parse(path)


def test_a_bundle_s_entries_have_their_lengths_before_them() -> None:
    assert bundle([b"ab", b""]) == b"\x00\x02ab\x00\x00"
    assert entries(b"\x00\x02ab\x00\x00", 2) == (b"ab", b"")


@pytest.mark.parametrize(
    ("data", "width"), [(b"\x00", 1), (b"\x00\x02a", 1), (b"\x00\x00", 2), (b"", 1)]
)
def test_a_bundle_that_is_not_what_its_path_says_is_refused(data: bytes, width: int) -> None:
    with pytest.raises(InvalidTile):
        entries(data, width)


def test_a_tile_cut_short_is_refused() -> None:
    with pytest.raises(InvalidTile):
        node_in(Tile(0, 0, 2), b"x" * 63, Place(0, 0))


@pytest.mark.parametrize(
    ("tile", "size", "is_there"),
    [
        (Tile(0, 0, 3), 3, True),
        (Tile(0, 0, 3), 300, True),
        (Tile(0, 0, 4), 3, False),
        (Tile(0, 0), 255, False),
        (Tile(1, 0, 1), 256, True),
        (Tile(1, 0, 1), 255, False),
        (Tile(63, 0, 1), 1 << 62, False),
    ],
)
def test_a_tree_has_the_tiles_of_its_size_and_of_what_it_grew_from(
    tile: Tile, size: int, *, is_there: bool
) -> None:
    assert tile.is_in(size) is is_there


def test_a_tree_of_millions_grows_from_its_edge_alone() -> None:
    size = 3 * 256**3 + 255
    tiles = {one: b"h" * 32 * one.width for one in edge_tiles(size)}
    assert [(one.level, one.index, one.width) for one in tiles] == [(0, 196608, 255), (3, 0, 3)]
    growth = grow(Edge.read(size, tiles), [b"n" * 32] * 2)
    assert {place: len(data) // 32 for place, data in growth.tiles.items()} == {
        (0, 196608): 256,
        (0, 196609): 1,
        (1, 768): 1,
    }
    assert [len(row) for row in growth.edge.rows] == [1, 1, 0, 3]


def test_an_edge_s_tile_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="its hashes"):
        Edge.read(3, {Tile(0, 0, 3): b"h" * 32 * 2})
