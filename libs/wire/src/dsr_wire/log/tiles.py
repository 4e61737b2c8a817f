"""Tiles: C2SP tlog-tiles. The tree, and its leaves, as files of 256 that never change once full."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dsr_wire import merkle
from dsr_wire.log.tree import Place

__all__ = [
    "FULL",
    "HASH_BYTES",
    "HEIGHT",
    "InvalidTile",
    "Tile",
    "bundle",
    "entries",
    "entries_of",
    "node_in",
    "tile_of",
    "tiles_of",
]

HEIGHT = 8
"""Levels of the tree in a tile."""

FULL = 1 << HEIGHT
"""Hashes, or entries, in a full tile."""

HASH_BYTES = 32
_LEVELS = 64
_LENGTH_BYTES = 2
_PATH = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


class InvalidTile(ValueError):  # noqa: N818 - named for what has happened, as all errors here
    """A path names no tile, or bytes are none."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The place of a tile of hashes, or of a bundle of entries."""

    level: int
    """Counted in tiles, from the leaves up; a bundle's entries are those of level 0."""

    index: int
    width: int = FULL
    is_entries: bool = False

    @property
    def is_full(self) -> bool:
        """Whether it never changes again."""
        return self.width == FULL

    @property
    def path(self) -> str:
        """Its path under `tile/`."""
        digits = f"{self.index:03}"
        digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
        groups = [digits[one : one + 3] for one in range(0, len(digits), 3)]
        named = "/".join((*(f"x{one}" for one in groups[:-1]), groups[-1]))
        level = "entries" if self.is_entries else str(self.level)
        return f"{level}/{named}" if self.is_full else f"{level}/{named}.p/{self.width}"

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Read a path under `tile/`.

        Raises:
            InvalidTile: It names no tile, or not in the one way.
        """
        found = _PATH.fullmatch(path)
        if found is None:
            raise InvalidTile("no tile has such a path")
        is_entries = found["level"] == "entries"
        index = int(found["index"].replace("x", "").replace("/", ""))
        width = int(found["width"] or FULL)
        tile = cls(0 if is_entries else int(found["level"]), index, width, is_entries)
        if tile.level >= _LEVELS or width > FULL or tile.path != path:
            raise InvalidTile("no tile has such a path")
        return tile

    def is_in(self, size: int) -> bool:
        """Tell whether a tree of this size, or one that it grew from, has the tile."""
        return self.index * FULL + self.width <= size >> (HEIGHT * self.level)


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile of hashes of a tree, from the leaves up, from left to right."""
    level, count = 0, size
    while count:
        yield from _row(count, level)
        level, count = level + 1, count >> HEIGHT


def entries_of(size: int, start: int = 0) -> Iterator[Tile]:
    """Yield the bundles that hold the entries of a tree from a place on."""
    for one in _row(size, 0, start // FULL):
        yield Tile(0, one.index, one.width, is_entries=True)


def tile_of(place: Place, size: int) -> Tile:
    """Return the tile of a tree that holds what a complete subtree's hash is made of."""
    level = place.level // HEIGHT
    index = (place.number << (place.level - HEIGHT * level)) // FULL
    count = (size >> (HEIGHT * level)) - index * FULL
    return Tile(level, index, min(FULL, count))


def node_in(tile: Tile, data: bytes, place: Place) -> bytes:
    """Return a complete subtree's hash from its tile's bytes.

    Raises:
        InvalidTile: The bytes are not as many as the tile's hashes.
    """
    if len(data) != tile.width * HASH_BYTES:
        raise InvalidTile("a tile's bytes are its hashes")
    height = place.level - HEIGHT * tile.level
    start = (place.number << height) - tile.index * FULL
    cut = data[start * HASH_BYTES : (start + (1 << height)) * HASH_BYTES]
    return merkle.root([cut[one : one + HASH_BYTES] for one in range(0, len(cut), HASH_BYTES)])


def bundle(leaves: Sequence[bytes]) -> bytes:
    """Return an entry bundle: each entry after its length."""
    return b"".join(len(one).to_bytes(_LENGTH_BYTES, "big") + one for one in leaves)


def entries(data: bytes, width: int) -> tuple[bytes, ...]:
    """Read what `bundle` wrote.

    Raises:
        InvalidTile: The bytes are not that many entries.
    """
    found: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + _LENGTH_BYTES + int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        if end > len(data) or at + _LENGTH_BYTES > len(data):
            raise InvalidTile("an entry is cut short")
        found.append(data[at + _LENGTH_BYTES : end])
        at = end
    if len(found) != width:
        raise InvalidTile("a bundle has not as many entries as its path says")
    return tuple(found)


def _row(count: int, level: int, first: int = 0) -> Iterator[Tile]:
    for index in range(first, count // FULL):
        yield Tile(level, index)
    if count % FULL:
        yield Tile(level, count // FULL, count % FULL)
