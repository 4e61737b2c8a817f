"""The transparency log in a real database: what the sequencer appends is what anyone can check."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from integration.verifier.logs import ORIGIN, Pool, World, facts, stated

from dsr_cli.stack import Stack
from dsr_contracts.v1 import checkpoints_pb2
from dsr_core.ids import RequestId
from dsr_runtime.migrations import migrate
from dsr_runtime.postgres import connect_pool
from dsr_verifier.adapters import arrays, statements
from dsr_verifier.adapters.log_store import PostgresLog
from dsr_verifier.adapters.plans import Connection
from dsr_verifier.application.sequencing import Sequencer, StatementMissing
from dsr_verifier.bootstrap import BY_INDEX
from dsr_wire import merkle
from dsr_wire.codec.checkpoints import checkpoint_from_wire
from dsr_wire.log.checkpoints import open_checkpoint
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.proofs import check_consistency, check_inclusion
from dsr_wire.log.tiles import Tile
from support.builders import NOW, an_id
from support.old_schemas import filled
from support.parts import fresh_database
from support.transparency import a_signer


@pytest_asyncio.fixture(loop_scope="session")
async def world(stack: Stack) -> AsyncIterator[World]:
    with fresh_database(stack) as dsn:
        pool = await connect_pool(dsn, size=6, server_settings=BY_INDEX)
        await migrate(dsn, package="dsr_verifier", schema="verifier")
        yield World(pool)
        await pool.close()


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


def relations(plan: dict[str, Any]) -> list[tuple[str, float]]:
    """What a plan touches, each with its rows."""
    own = [(plan["Relation Name"], plan["Actual Rows"])] if "Relation Name" in plan else []
    return [*own, *(one for below in plan.get("Plans", ()) for one in relations(below))]


async def test_a_closing_costs_the_log_one_row_and_reads_nothing_for_it(world: World) -> None:
    count = 250
    columns: list[object] = [
        arrays.bare(an_id(one) for one in range(count)),
        arrays.bare([an_id(1)] * count),
        arrays.words(["deletion"] * count),
        arrays.words(["fulfilled"] * count),
        [NOW] * count,
        arrays.bare([3] * count),
        [b"e" * 32] * count,
        ["registry"] * count,
    ]
    explained = f"explain (analyze, format json) {statements.ADD_CLOSURES}"
    [plan] = json.loads(await world.pool.fetchval(explained, *columns))
    # One statement, as it was without the log; both tables are written, and no other is looked at.
    assert {name for name, _ in relations(plan["Plan"])} == {"closures", "log_pending"}
    assert len(relations(plan["Plan"])) == 2
    assert (await world.reader.backlog()).facts == count
    assert (await world.sequencer().step()).leaves == count


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
        await filled(
            dsn,
            package="dsr_verifier",
            schema="verifier",
            revision="0006",
            rows=Path(__file__).parent / "closed_0006.sql",
            values={},
        )
        await migrate(dsn, package="dsr_verifier", schema="verifier")
        pool = await connect_pool(dsn, size=2, server_settings=BY_INDEX)
        try:
            assert (await World(pool).sequencer().step()).leaves == 3
        finally:
            await pool.close()
