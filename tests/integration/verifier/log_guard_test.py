"""What was published is never contradicted, and what stands in the log is not rewritten."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from integration.verifier.logs import ORIGIN, World

from dsr_cli.stack import Stack
from dsr_runtime.migrations import migrate
from dsr_runtime.postgres import connect_pool
from dsr_verifier.application.forks import Difference, Fork
from dsr_verifier.application.sequencing import Sequencer
from dsr_verifier.bootstrap import BY_INDEX
from dsr_wire.log.checkpoints import Checkpoint
from support.parts import fresh_database


@pytest_asyncio.fixture(loop_scope="session")
async def world(stack: Stack) -> AsyncIterator[World]:
    with fresh_database(stack) as dsn:
        pool = await connect_pool(dsn, size=6, server_settings=BY_INDEX)
        await migrate(dsn, package="dsr_verifier", schema="verifier")
        yield World(pool)
        await pool.close()


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
