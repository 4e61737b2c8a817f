"""The transparency log in PostgreSQL, for the sequencer: one transaction a step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from dsr_core.ids import RequestId
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated
from dsr_verifier.adapters.dead_letters import SERVICE
from dsr_verifier.adapters.log_tree import range_hashes, tiles
from dsr_verifier.adapters.plans import Connection
from dsr_verifier.adapters.transaction import SCHEMA
from dsr_verifier.log_ports import Fact, Pending, SignedCheckpoint
from dsr_wire.codec.checkpoints import checkpoint_to_wire
from dsr_wire.envelope import encode
from dsr_wire.log.checkpoints import Checkpoint
from dsr_wire.log.growth import Edge, edge_tiles
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.tree import Range
from dsr_wire.topics import CHECKPOINTS

__all__ = ["NEWEST", "PostgresLog", "Statements", "checkpoint_of"]

Statements = Callable[[Connection, Collection[RequestId]], Awaitable[Mapping[RequestId, bytes]]]
"""Makes the statements of closures."""

_TURN = (7_305_116, 1)
"""The advisory lock of the sequencer."""

NEWEST = """
select id, origin, size, root, note, signed_at from verifier.log_checkpoints
order by id desc limit 1
"""

_MY_TURN = "select pg_try_advisory_xact_lock($1, $2)"

_TAKE = """
delete from verifier.log_pending where id in (
    select id from verifier.log_pending order by id limit $1)
returning id, kind, request_id, digest, at
"""

_ADD_LEAVES = """
insert into verifier.log_leaves (leaf_index, kind, digest, data)
select $1 + n.place - 1, n.kind, n.digest, n.data
from unnest($2::text[], $3::bytea[], $4::bytea[]) with ordinality as n (kind, digest, data, place)
"""

_PUT_TILES = """
insert into verifier.log_tiles (level, tile_index, hashes)
select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])
on conflict (level, tile_index) do update set hashes = excluded.hashes
"""

_ADD_STATEMENTS = """
insert into verifier.statements (request_id, statement, leaf_index)
select * from unnest($1::uuid[], $2::bytea[], $3::bigint[])
"""

_ADD_CHECKPOINT = """
insert into verifier.log_checkpoints (origin, size, root, note, signed_at)
values ($1, $2, $3, $4, $5) returning id
"""

# Two that offer the same fact wait for each other at the index; one that was logged is not offered.
_OFFER = """
insert into verifier.log_pending (kind, digest, at)
select n.kind, n.digest, n.at from unnest($1::text[], $2::bytea[], $3::timestamptz[])
    as n (kind, digest, at)
where not exists (
    select from verifier.log_leaves l
    where l.kind = n.kind and l.digest = n.digest and l.kind <> 'closure')
order by n.kind, n.digest
on conflict (kind, digest) where digest is not null do nothing
returning id
"""


class PostgresLog:
    """The Log in schema `verifier`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], statements: Statements) -> None:
        self._pool = pool
        self._statements = statements

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresLogTransaction | None]:
        """Return a step of the log; none where another process has the turn."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                has_turn = await connection.fetchval(_MY_TURN, *_TURN)
                yield PostgresLogTransaction(connection, self._statements) if has_turn else None

    async def offer(self, facts: Sequence[Fact]) -> int:
        """Let facts wait for the log, each once for ever; return how many were new."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                # Else one that is on its way from waiting to being a leaf is seen in neither place.
                await connection.execute("select pg_advisory_xact_lock($1, $2)", *_TURN)
                rows = await connection.fetch(
                    _OFFER,
                    [one.kind.value for one in facts],
                    [one.digest for one in facts],
                    [one.at for one in facts],
                )
        return len(rows)


class PostgresLogTransaction:
    """The port's LogTransaction on one connection."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._connection = connection
        self._statements = statements

    async def newest(self) -> SignedCheckpoint | None:
        """Return the newest checkpoint; none before the first."""
        row = await self._connection.fetchrow(NEWEST)
        return checkpoint_of(row) if row is not None else None

    async def edge(self, size: int) -> Edge:
        """Return what the tree of this size grows from."""
        wanted = edge_tiles(size)
        found = await tiles(self._connection, wanted)
        if len(found) != len(wanted):
            raise ValueError("a tile is missing")
        return Edge.read(size, found)

    async def root(self, size: int) -> bytes | None:
        """Return the root that the tree had at a size; none where it is not as large."""
        newest = await self.newest()
        if size > (newest.checkpoint.size if newest else 0):
            return None
        try:
            [root] = await range_hashes(self._connection, size, [Range(0, size)])
        except KeyError:
            return b""  # tiles are gone: that is no root of anything
        return root

    async def take(self, limit: int) -> list[Pending]:
        """Take facts that wait out, the oldest first."""
        rows = await self._connection.fetch(_TAKE, limit)
        return [
            Pending(
                row["id"],
                Kind(row["kind"]),
                row["at"],
                RequestId(str(row["request_id"])) if row["request_id"] is not None else None,
                row["digest"],
            )
            for row in sorted(rows, key=lambda row: row["id"])
        ]

    async def statements(self, request_ids: Sequence[RequestId]) -> Mapping[RequestId, bytes]:
        """Return the statement of each of these closures."""
        return await self._statements(self._connection, request_ids)

    async def append(
        self,
        first: int,
        leaves: Sequence[Leaf],
        tiles: Mapping[tuple[int, int], bytes],
        statements: Mapping[RequestId, tuple[bytes, int]],
    ) -> None:
        """Write leaves from an index on, the tiles that they change, and statements."""
        await self._connection.execute(
            _ADD_LEAVES,
            first,
            [one.kind.value for one in leaves],
            [bytes.fromhex(one.digest) for one in leaves],
            [one.data() for one in leaves],
        )
        await self._connection.execute(
            _PUT_TILES,
            [level for level, _ in tiles],
            [index for _, index in tiles],
            list(tiles.values()),
        )
        if statements:
            await self._connection.execute(
                _ADD_STATEMENTS,
                list(statements),
                [statement for statement, _ in statements.values()],
                [index for _, index in statements.values()],
            )

    async def sign(self, checkpoint: Checkpoint, note: str, at: datetime) -> None:
        """Write a checkpoint, and publish it once this transaction has been committed."""
        number = await self._connection.fetchval(
            _ADD_CHECKPOINT, checkpoint.origin, checkpoint.size, checkpoint.root, note, at
        )
        record = encode(
            checkpoint_to_wire(note),
            topic=CHECKPOINTS.name,
            key=checkpoint.origin,
            event_id=f"checkpoint-{number}",
            source=SERVICE,
            at=at,
        )
        await enqueue(self._connection, SCHEMA, [record])


def checkpoint_of(row: asyncpg.Record) -> SignedCheckpoint:
    """Return a checkpoint from its row."""
    checkpoint = Checkpoint(row["origin"], row["size"], row["root"])
    return SignedCheckpoint(row["id"], checkpoint, row["note"], row["signed_at"])
