"""The log's tree in PostgreSQL: hashes of any range of leaves, from stored tiles."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dsr_verifier.adapters.plans import Connection
from dsr_wire.log.tiles import HASH_BYTES, Tile, node_in, tile_of
from dsr_wire.log.tree import Range, cover, fold

__all__ = ["range_hashes", "tiles"]

# A tile that has grown since begins with what it was.
_TILES = """
select n.level, n.tile_index, n.width, substr(t.hashes, 1, n.width * 32) as hashes
from unnest($1::smallint[], $2::bigint[], $3::integer[]) as n (level, tile_index, width)
join verifier.log_tiles t on t.level = n.level and t.tile_index = n.tile_index
"""


async def tiles(connection: Connection, wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
    """Return the bytes of tiles; those that the log has not, or not as wide, are left out."""
    asked = list(wanted)
    rows = await connection.fetch(
        _TILES,
        [one.level for one in asked],
        [one.index for one in asked],
        [one.width for one in asked],
    )
    return {
        Tile(row["level"], row["tile_index"], row["width"]): row["hashes"]
        for row in rows
        if len(row["hashes"]) == row["width"] * HASH_BYTES
    }


async def range_hashes(
    connection: Connection, size: int, wanted: Sequence[Range]
) -> tuple[bytes, ...]:
    """Return the hash of each range of leaves of a tree.

    Raises:
        KeyError: The log is not as large.
    """
    places = [[(place, tile_of(place, size)) for place in cover(one)] for one in wanted]
    found = await tiles(connection, {tile for one in places for _, tile in one})
    return tuple(fold([node_in(tile, found[tile], place) for place, tile in one]) for one in places)
