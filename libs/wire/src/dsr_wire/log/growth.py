"""Growth: what appending leaves changes, from the rightmost tile of each level alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsr_wire import merkle
from dsr_wire.log.tiles import FULL, HASH_BYTES, HEIGHT, Tile
from dsr_wire.log.tree import Range, cover, fold

__all__ = ["Edge", "Growth", "edge_tiles", "grow"]


@dataclass(frozen=True, slots=True)
class Edge:
    """The hashes that are in no full tile yet, level by level: all that a tree grows from."""

    size: int
    rows: tuple[tuple[bytes, ...], ...] = ()
    """From the leaves up; a level whose last tile is full has none."""

    @classmethod
    def read(cls, size: int, tiles: Mapping[Tile, bytes]) -> Edge:
        """Return the edge of a tree from the bytes of its `edge_tiles`.

        Raises:
            KeyError: One is missing.
            ValueError: One has not as many hashes as a tree of that size.
        """
        rows: list[tuple[bytes, ...]] = []
        for level in range(_levels(size)):
            width = (size >> (HEIGHT * level)) % FULL
            data = tiles[Tile(level, size >> (HEIGHT * (level + 1)), width)] if width else b""
            if len(data) != width * HASH_BYTES:
                raise ValueError("a tile's bytes are its hashes")
            rows.append(_hashes(data))
        return cls(size, tuple(rows))

    def root(self) -> bytes:
        """Return the tree's root."""
        return fold(
            [
                merkle.root(row[one.number << one.level : (one.number + 1) << one.level])
                for row in reversed(self.rows)
                for one in cover(Range(0, len(row)))
            ]
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """What appending leaves makes of a tree."""

    edge: Edge
    tiles: Mapping[tuple[int, int], bytes]
    """Every tile that is new or has grown, by level and index, whole."""


def edge_tiles(size: int) -> tuple[Tile, ...]:
    """Return the tiles of a tree that are not full."""
    return tuple(
        Tile(level, size >> (HEIGHT * (level + 1)), width)
        for level in range(_levels(size))
        if (width := (size >> (HEIGHT * level)) % FULL)
    )


def grow(edge: Edge, leaves: Iterable[bytes]) -> Growth:
    """Append leaf hashes to a tree."""
    tiles: dict[tuple[int, int], bytes] = {}
    rows: list[tuple[bytes, ...]] = []
    added = list(leaves)
    size = edge.size + len(added)
    level = 0
    while added or level < len(edge.rows):
        row = [*(edge.rows[level] if level < len(edge.rows) else ()), *added]
        first = edge.size >> (HEIGHT * (level + 1))
        above: list[bytes] = []
        for start in range(0, len(row), FULL):
            part = row[start : start + FULL]
            if added:
                tiles[level, first + start // FULL] = b"".join(part)
            if len(part) == FULL:
                above.append(merkle.root(part))
        rows.append(tuple(row[len(above) * FULL :]))
        added, level = above, level + 1
    return Growth(Edge(size, tuple(rows)), tiles)


def _levels(size: int) -> int:
    return -(-size.bit_length() // HEIGHT)


def _hashes(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[one : one + HASH_BYTES] for one in range(0, len(data), HASH_BYTES))
