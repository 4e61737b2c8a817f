"""The transparency log in a real database: what the sequencer appends is what anyone can check."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias, cast

import asyncpg
import pytest
import pytest_asyncio

from dsr_cli.stack import Stack
from dsr_contracts.v1 import checkpoints_pb2
from dsr_core.ids import RequestId
from dsr_runtime.migrations import migrate
from dsr_runtime.postgres import connect_pool
from dsr_verifier.adapters.log import Log
from dsr_verifier.adapters.log_store import PostgresLog
from dsr_verifier.adapters.plans import Connection
from dsr_verifier.application.forks import Difference, Fork
from dsr_verifier.application.sequencing import Sequencer, StatementMissing
from dsr_verifier.bootstrap import BY_INDEX
from dsr_verifier.log_ports import Fact
from dsr_wire import merkle
from dsr_wire.codec.checkpoints import checkpoint_from_wire
from dsr_wire.log.checkpoints import Checkpoint, open_checkpoint
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.notes import NoteSigner
from dsr_wire.log.proofs import check_consistency, check_inclusion
from dsr_wire.log.tiles import Tile, entries, entries_of, tiles_of
from support.builders import NOW, an_id
from support.parts import fresh_database
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


@pytest_asyncio.fixture(loop_scope="session")
async def world(stack: Stack) -> AsyncIterator[World]:
    with fresh_database(stack) as dsn:
        pool = await connect_pool(dsn, size=6, server_settings=BY_INDEX)
        await migrate(dsn, package="dsr_verifier", schema="verifier")
        yield World(pool)
        await pool.close()


def facts(*numbers: int, kind: Kind = Kind.AUDIT) -> list[Fact]:
    return [
        Fact(kind, hashlib.sha256(b"%d" % one).digest(), NOW + timedelta(seconds=one))
        for one in numbers
    ]


async def test_an_empty_log_has_a_checkpoint_of_nothing(world: World) -> None:
    assert await world.reader.served() is None
    await world.sequencer().step()
    checkpoint = await world.checkpoint()
    assert (checkpoint.size, checkpoint.root) == (0, hashlib.sha256(b"").digest())
    await world.sequencer().step()
    assert await world.pool.fetchval("select count(*) from verifier.log_checkpoints") == 1


async def test_what_waits_becomes_leaves_in_order_and_each_has_its_proof(world: World) -> None:
    await world.close(1, 2)
    await world.store.offer(facts(3))
    assert (await world.reader.backlog()).facts == 3
    assert (await world.sequencer().step()).leaves == 3
    assert (await world.reader.backlog()).facts == 0
    leaves = [Leaf.read(one) for one in await world.leaves()]
    statements = [b"statement of " + an_id(one).encode() for one in (1, 2)]
    assert leaves == [
        *(Leaf(Kind.CLOSURE, hashlib.sha256(one).hexdigest(), NOW) for one in statements),
        Leaf(Kind.AUDIT, facts(3)[0].digest.hex(), facts(3)[0].at),
    ]
    for number, statement in enumerate(statements):
        closure = await world.reader.closure(RequestId(an_id(number + 1)))
        assert closure is not None
        assert (closure.statement, closure.index) == (statement, number)
        proof = await world.reader.proof(number)
        checkpoint, _ = open_checkpoint(proof.checkpoint, [a_signer(ORIGIN).public], origin=ORIGIN)
        check_inclusion(
            merkle.leaf_hash(closure.leaf),
            index=proof.index,
            size=checkpoint.size,
            hashes=proof.hashes,
            root=checkpoint.root,
        )
    assert await world.reader.closure(RequestId(an_id(9))) is None
    with pytest.raises(ValueError, match="no such leaf"):
        await world.reader.proof(3)


async def test_a_log_that_grows_over_tiles_is_one_tree_and_each_checkpoint_goes_on_from_the_last(
    world: World,
) -> None:
    sequencer, seen = world.sequencer(batch=300), []
    for start, count in ((0, 1), (1, 254), (255, 1), (256, 44), (300, 300), (600, 25)):
        await world.store.offer(facts(*range(start, start + count)))
        assert (await sequencer.step()).is_full is (count == 300)
        seen.append(await world.checkpoint())
        assert await world.check() == start + count
    for first in seen:
        last = seen[-1]
        check_consistency(
            first=first.size,
            second=last.size,
            first_root=first.root,
            second_root=last.root,
            hashes=await world.reader.consistency(first.size, last.size),
        )
    # A tile as it was when it was narrower is still there; one that is wider than the log is not.
    narrow = await world.reader.tile(Tile(0, 2, 3))
    assert narrow is not None
    assert narrow == (await world.reader.tile(Tile(0, 2, 113)) or b"")[:96]
    assert await world.reader.tile(Tile(0, 2, 114)) is None
    assert await world.reader.tile(Tile(0, 3, 1)) is None
    assert await world.reader.tile(Tile(0, 2, 114, is_entries=True)) is None


async def test_a_batch_is_bounded_and_says_that_more_waits(world: World) -> None:
    await world.close(*range(5))
    sequencer = world.sequencer(batch=2)
    done = [await sequencer.step() for _ in range(3)]
    assert [(one.leaves, one.is_full) for one in done] == [(2, True), (2, True), (1, False)]
    assert await world.check() == 5


async def test_a_fact_is_a_leaf_once_whatever_comes_again_and_when(world: World) -> None:
    assert await world.store.offer(facts(1, 2)) == 2
    assert await world.store.offer(facts(1, 2, 3)) == 1
    await world.sequencer().step()
    assert await world.store.offer(facts(1, 2, 3, 4)) == 1
    assert await world.store.offer(facts(1, kind=Kind.REGISTRY)) == 1
    await world.sequencer().step()
    assert await world.check() == 5


async def test_facts_that_come_while_another_process_appends_are_leaves_once(
    world: World,
) -> None:
    stop = asyncio.Event()

    async def append() -> None:
        sequencer = world.sequencer(batch=3)
        while not stop.is_set():
            await sequencer.step()
            await asyncio.sleep(0)

    async def offer(shift: int) -> None:
        for start in range(0, 60, 5):
            await world.store.offer(facts(*range(start + shift, start + shift + 8)))

    appending = [asyncio.create_task(append()) for _ in range(2)]
    await asyncio.gather(*(offer(one) for one in range(3)))
    stop.set()
    await asyncio.gather(*appending)
    await world.sequencer().step()
    leaves = await world.leaves()
    assert len(set(leaves)) == len(leaves) == 65
    assert await world.check() == 65


async def test_of_two_sequencers_one_has_the_turn(world: World) -> None:
    await world.close(1)
    async with world.store.transaction() as first:
        assert first is not None
        assert not (await world.sequencer().step()).has_turn
        assert (await world.reader.backlog()).facts == 1
    assert (await world.sequencer().step()).leaves == 1


async def test_what_is_undone_leaves_no_gap(world: World) -> None:
    await world.close(1)

    async def nothing(
        connection: Connection, request_ids: Collection[RequestId]
    ) -> Mapping[RequestId, bytes]:
        del connection, request_ids
        return {}

    broken = Sequencer(
        log=PostgresLog(world.pool, nothing),
        published=world.published,
        origin=ORIGIN,
        signers=[a_signer(ORIGIN)],
        clock=lambda: NOW,
    )
    with pytest.raises(StatementMissing, match="1 closures"):
        await broken.step()
    assert (await world.reader.backlog()).facts == 1
    assert (await world.sequencer().step()).leaves == 1
    assert await world.check() == 1


async def test_every_checkpoint_is_published_once_it_is_committed(world: World) -> None:
    await world.close(1)
    await world.sequencer().step()
    [row] = await world.pool.fetch("select topic, key, value from verifier.outbox")
    message = checkpoints_pb2.CheckpointSigned.FromString(row["value"])
    assert (row["topic"], row["key"]) == ("dsr.checkpoints.v1", ORIGIN.encode())
    assert checkpoint_from_wire(message) == (
        await world.checkpoint(),
        await world.reader.served(),
    )


async def test_a_new_key_signs_next_to_the_old_one_and_alone_once_that_is_gone(
    world: World,
) -> None:
    old, new = a_signer(ORIGIN), a_signer(ORIGIN, generation=2)
    await world.close(1)
    await world.sequencer(old).step()
    first = await world.checkpoint(old)
    for signers, wanted in (((new, old), (old, new)), ((new,), (new,))):
        if len(signers) == 1:
            await world.close(2)
        await world.sequencer(*signers).step()
        note = await world.reader.served()
        assert note is not None
        found, opened = open_checkpoint(note, [old.public, new.public], origin=ORIGIN)
        assert {one.id for one in opened.signatures} == {one.public.id for one in wanted}
        assert found.size == first.size + (len(signers) == 1)
        await world.sequencer(*signers).step()  # what all have signed is not signed again
    assert await world.pool.fetchval("select count(*) from verifier.log_checkpoints") == 3


async def refused(world: World, sequencer: Sequencer) -> Difference:
    before = await world.pool.fetchval("select count(*) from verifier.log_checkpoints")
    waiting = (await world.reader.backlog()).facts
    with pytest.raises(Fork) as fork:
        await sequencer.step()
    assert await world.pool.fetchval("select count(*) from verifier.log_checkpoints") == before
    assert (await world.reader.backlog()).facts == waiting
    return fork.value.difference


async def test_a_database_that_is_put_back_to_an_earlier_time_appends_nothing(
    world: World,
) -> None:
    await world.close(1, 2)
    await world.sequencer().step()
    published = await world.checkpoint()
    longer = Checkpoint(ORIGIN, published.size + 1, b"r" * 32)
    world.published.checkpoints = [longer]
    await world.close(3)
    assert await refused(world, world.sequencer()) is Difference.SHORTER
    # The newer database is put in its place after all.
    world.published.checkpoints = [published]
    assert (await world.sequencer().step()).leaves == 1


@pytest.mark.parametrize("grown", [False, True])
async def test_a_database_with_other_leaves_than_were_published_appends_nothing(
    world: World, *, grown: bool
) -> None:
    await world.close(1, 2)
    await world.sequencer().step()
    if grown:
        await world.close(3)
        await world.sequencer().step()
    other = Checkpoint(ORIGIN, 2, b"r" * 32)
    world.published.checkpoints = [other]
    await world.close(4)
    assert await refused(world, world.sequencer()) is Difference.CONTRADICTING


async def test_a_process_holds_a_database_to_what_it_has_committed_itself(world: World) -> None:
    sequencer = world.sequencer()
    await world.close(1)
    await sequencer.step()
    await rewritten(world, "truncate verifier.log_checkpoints, verifier.log_cosignatures")
    assert await refused(world, sequencer) is Difference.SHORTER


@pytest.mark.parametrize(
    "damage",
    [
        "delete from verifier.log_tiles",
        "update verifier.log_tiles set hashes = decode(repeat('ab', 32), 'hex') where level = 0",
        "update verifier.log_tiles set hashes = substr(hashes, 1, 7)",
    ],
)
async def test_tiles_that_are_not_their_checkpoint_s_are_not_built_on(
    world: World, damage: str
) -> None:
    await world.close(1)
    await world.sequencer().step()
    await rewritten(world, damage)
    await world.close(2)
    assert await refused(world, world.sequencer()) is Difference.CONTRADICTING


async def rewritten(world: World, statement: str) -> None:
    """Change what nobody can: as somebody with the database's own files would."""
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "update verifier.log_leaves set kind = kind",
        "delete from verifier.log_leaves",
        "truncate verifier.statements",
        "delete from verifier.statements",
        "update verifier.log_checkpoints set note = note",
        "delete from verifier.log_checkpoints",
        "delete from verifier.log_cosignatures",
        "delete from verifier.log_tiles",
        "truncate verifier.log_tiles",
        "update verifier.log_tiles set hashes = ''",
        "update verifier.log_tiles set tile_index = 7",
    ],
)
async def test_the_log_cannot_be_rewritten(world: World, statement: str) -> None:
    await world.close(1)
    await world.sequencer().step()
    with pytest.raises(asyncpg.RaiseError, match=r"append-only|only grows"):
        await world.pool.execute(statement)
    assert await world.check() == 1


async def test_a_step_costs_as_many_statements_however_many_leaves(world: World) -> None:
    async def statements_of(numbers: Sequence[int]) -> int:
        await world.close(*numbers)
        count = 0

        def counted(_record: object) -> None:
            nonlocal count
            count += 1

        async with world.pool.acquire() as connection:
            connection.add_query_logger(counted)
            try:
                one = PostgresLog(cast("Pool", _Single(connection)), stated)
                sequencer = world.sequencer()
                sequencer._log = one
                await sequencer.step()
            finally:
                connection.remove_query_logger(counted)
        return count

    assert await statements_of(range(1)) >= await statements_of(range(100, 500)) - 1


class _Single:
    """A pool of one connection, so that its statements can be counted."""

    def __init__(self, connection: object) -> None:
        self._connection = connection

    def acquire(self) -> _Single:
        return self

    async def __aenter__(self) -> object:
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        return


async def test_what_was_closed_before_there_was_a_log_is_in_it(stack: Stack) -> None:
    with fresh_database(stack) as dsn:
        await migrate(dsn, package="dsr_verifier", schema="verifier")
        pool = await connect_pool(dsn, size=2, server_settings=BY_INDEX)
        try:
            await pool.execute(
                """
                drop table verifier.log_pending, verifier.log_leaves, verifier.log_tiles,
                    verifier.log_cosignatures, verifier.log_checkpoints, verifier.statements;
                drop function verifier.refuse_rewriting;
                update verifier.alembic_version set version_num = '0005';
                insert into verifier.closures (
                    request_id, cohort_id, asked_right, outcome, closed_at, obligations,
                    evidence_digest, registry_digest)
                select gen_random_uuid(), gen_random_uuid(), 'deletion', 'fulfilled', now(), 1, '', ''
                from generate_series(1, 3);
                """
            )
            await migrate(dsn, package="dsr_verifier", schema="verifier")
            assert (await World(pool).sequencer().step()).leaves == 3
        finally:
            await pool.close()
