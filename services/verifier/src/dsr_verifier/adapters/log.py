"""The transparency log in PostgreSQL, for reading: checkpoints, tiles, entries, proofs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from dsr_core.ids import RequestId
from dsr_runtime.postgres import translated
from dsr_verifier.adapters.log_store import NEWEST, checkpoint_of
from dsr_verifier.adapters.log_tree import range_hashes, tiles
from dsr_verifier.adapters.plans import Connection
from dsr_verifier.log_ports import Backlog, LoggedClosure, SignedCheckpoint
from dsr_wire.log.notes import NoteKey, Signature
from dsr_wire.log.proofs import Proof, consistency, inclusion
from dsr_wire.log.tiles import FULL, Tile, bundle

__all__ = ["Log"]

_CLOSURE = """
select s.statement, s.leaf_index, l.data
from verifier.statements s join verifier.log_leaves l using (leaf_index) where s.request_id = $1
"""
_COSIGNED = """
select id, origin, size, root, note, signed_at from verifier.log_checkpoints
where id = (select max(checkpoint_id) from verifier.log_cosignatures)
"""
_LINES = """
select line from verifier.log_cosignatures where checkpoint_id = $1 order by name, key_id
"""
_ENTRIES = """
select data from verifier.log_leaves where leaf_index >= $1 and leaf_index < $2 order by leaf_index
"""
_BACKLOG = """
select count(*) as facts, coalesce(extract(epoch from now() - min(at)), 0)::float8 as age_s
from verifier.log_pending
"""
_LARGEST = """
select coalesce(max(c.size), 0) from verifier.log_cosignatures s
join verifier.log_checkpoints c on c.id = s.checkpoint_id where s.name = $1 and s.key_id = $2
"""
_COSIGN = """
insert into verifier.log_cosignatures (checkpoint_id, name, key_id, line, cosigned_at)
values ($1, $2, $3, $4, $5) on conflict do nothing
"""


class Log:
    """What is in the log: a LogReader. It shows nothing beyond the newest checkpoint."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def closure(self, request_id: RequestId) -> LoggedClosure | None:
        """Return a request's closure as it stands in the log; none while it does not."""
        with translated():
            row = await self._pool.fetchrow(_CLOSURE, request_id)
        if row is None:
            return None
        return LoggedClosure(row["statement"], row["leaf_index"], row["data"])

    async def proof(self, index: int) -> Proof:
        """Return what shows a leaf, under the newest cosigned checkpoint, or else the newest."""
        async with self._snapshot() as connection:
            row = await connection.fetchrow(_COSIGNED)
            if row is None or row["size"] <= index:
                row = await connection.fetchrow(NEWEST)
            if row is None:
                raise ValueError("no such leaf")
            size = row["size"]
            hashes = await range_hashes(connection, size, inclusion(index, size))
            signed = checkpoint_of(row)
            return Proof(index, size, hashes, await _with_cosignatures(connection, signed))

    async def newest(self) -> SignedCheckpoint | None:
        """Return the newest checkpoint; none before the first."""
        with translated():
            row = await self._pool.fetchrow(NEWEST)
        return checkpoint_of(row) if row is not None else None

    async def served(self) -> str | None:
        """Return the newest checkpoint's note with the cosignatures that have come."""
        async with self._snapshot() as connection:
            row = await connection.fetchrow(NEWEST)
            if row is None:
                return None
            return await _with_cosignatures(connection, checkpoint_of(row))

    async def tile(self, tile: Tile) -> bytes | None:
        """Return the bytes of a tile of hashes, or of a bundle of entries; none where there is none."""
        async with self._snapshot() as connection:
            if tile.is_entries:
                first = tile.index * FULL
                rows = await connection.fetch(_ENTRIES, first, first + tile.width)
                return bundle([row["data"] for row in rows]) if len(rows) == tile.width else None
            return (await tiles(connection, [tile])).get(tile)

    async def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return what shows that the tree of one size grew into that of another."""
        async with self._snapshot() as connection:
            return await range_hashes(connection, second, consistency(first, second))

    async def backlog(self) -> Backlog:
        """Return what waits for the log."""
        with translated():
            [row] = await self._pool.fetch(_BACKLOG)
        return Backlog(row["facts"], max(row["age_s"], 0.0))

    async def cosigned(self, key: NoteKey) -> int:
        """Return the size of the largest tree that a witness has cosigned; zero before the first."""
        with translated():
            return int(await self._pool.fetchval(_LARGEST, key.name, key.id))

    async def cosign(self, checkpoint_id: int, signature: Signature, at: datetime) -> None:
        """Keep a witness's cosignature of a checkpoint; the same again changes nothing."""
        with translated():
            await self._pool.execute(
                _COSIGN, checkpoint_id, signature.name, signature.id, signature.line(), at
            )

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Connection]:
        with translated():
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection


async def _with_cosignatures(connection: Connection, signed: SignedCheckpoint) -> str:
    rows = await connection.fetch(_LINES, signed.id)
    return signed.note + "".join(row["line"] for row in rows)
