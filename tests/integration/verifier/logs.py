"""A log of a test's own in the real database."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

import asyncpg

from dsr_core.ids import RequestId
from dsr_verifier.adapters.log import Log
from dsr_verifier.adapters.log_store import PostgresLog
from dsr_verifier.adapters.plans import Connection
from dsr_verifier.application.sequencing import Sequencer
from dsr_verifier.log_ports import Fact
from dsr_wire import merkle
from dsr_wire.log.checkpoints import Checkpoint, open_checkpoint
from dsr_wire.log.leaves import Kind
from dsr_wire.log.notes import NoteSigner
from dsr_wire.log.tiles import entries, entries_of, tiles_of
from support.builders import NOW, an_id
from support.transparency import a_signer

ORIGIN = "log.example.test/integration"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


async def stated(
    connection: Connection, request_ids: Collection[RequestId]
) -> Mapping[RequestId, bytes]:
    """What stands in for the ledger's statements here: bytes that name the closure."""
    del connection
    return {one: b"statement of " + one.encode() for one in request_ids}


@dataclass
class FakePublished:
    """What others have been told."""

    checkpoints: list[Checkpoint] = field(default_factory=list)

    async def largest(self) -> tuple[Checkpoint, ...]:
        return tuple(self.checkpoints)


@dataclass
class World:
    """A log of its own."""

    pool: Pool
    published: FakePublished = field(default_factory=FakePublished)

    @property
    def store(self) -> PostgresLog:
        return PostgresLog(self.pool, stated)

    @property
    def reader(self) -> Log:
        return Log(self.pool)

    def sequencer(self, *signers: NoteSigner, batch: int = 500, origin: str = ORIGIN) -> Sequencer:
        return Sequencer(
            log=self.store,
            published=self.published,
            origin=origin,
            signers=signers or (a_signer(origin),),
            clock=lambda: NOW,
            batch=batch,
        )

    async def close(self, *numbers: int) -> None:
        """Let closures wait, as the closing transaction does."""
        await self.pool.execute(
            "insert into verifier.log_pending (kind, request_id, at)"
            " select 'closure', n, $2 from unnest($1::uuid[]) n",
            [an_id(one) for one in numbers],
            NOW,
        )

    async def leaves(self) -> list[bytes]:
        """Read every entry as anyone does: from bundles, up to the checkpoint."""
        size = (await self.checkpoint()).size
        found: list[bytes] = []
        for one in entries_of(size):
            data = await self.reader.tile(one)
            assert data is not None
            found.extend(entries(data, one.width))
        return found

    async def checkpoint(self, *keys: NoteSigner) -> Checkpoint:
        note = await self.reader.served()
        assert note is not None
        known = [one.public for one in keys or (a_signer(ORIGIN),)]
        checkpoint, _ = open_checkpoint(note, known, origin=ORIGIN)
        return checkpoint

    async def check(self) -> int:
        """Recompute the tree from its entries, and hold every tile and the root to it."""
        leaves = [merkle.leaf_hash(one) for one in await self.leaves()]
        checkpoint = await self.checkpoint()
        assert len(leaves) == checkpoint.size
        assert merkle.root(leaves) == checkpoint.root
        for tile in tiles_of(checkpoint.size):
            width = 256**tile.level
            first = tile.index * 256
            hashes = [
                merkle.root(leaves[(first + n) * width : (first + n + 1) * width])
                for n in range(tile.width)
            ]
            assert await self.reader.tile(tile) == b"".join(hashes)
        return checkpoint.size


def facts(*numbers: int, kind: Kind = Kind.AUDIT) -> list[Fact]:
    return [
        Fact(kind, hashlib.sha256(b"%d" % one).digest(), NOW + timedelta(seconds=one))
        for one in numbers
    ]
