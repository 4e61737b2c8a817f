"""Witnesses cosign the log over real HTTP, and see for themselves that it only grew."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio
from integration.verifier.logs import ORIGIN, World, facts

from dsr_cli.stack import Stack
from dsr_core.errors import Unavailable
from dsr_runtime.migrations import migrate
from dsr_runtime.postgres import connect_pool
from dsr_verifier.adapters.witness import HttpWitness, new_session
from dsr_verifier.application.witnessing import Witnessing
from dsr_verifier.bootstrap import BY_INDEX
from dsr_verifier.log_ports import WitnessRefusal
from dsr_wire.log.checkpoints import open_checkpoint, read_checkpoint
from support.builders import NOW
from support.parts import fresh_database
from support.transparency import a_signer
from support.witness import WitnessServer


@pytest_asyncio.fixture(loop_scope="session")
async def world(stack: Stack) -> AsyncIterator[World]:
    with fresh_database(stack) as dsn:
        pool = await connect_pool(dsn, size=3, server_settings=BY_INDEX)
        await migrate(dsn, package="dsr_verifier", schema="verifier")
        yield World(pool)
        await pool.close()


@pytest.fixture
def server() -> Iterator[WitnessServer]:
    with WitnessServer(a_signer(ORIGIN).public) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with new_session() as session:
        yield session


def a_witnessing(world: World, server: WitnessServer, session: aiohttp.ClientSession) -> Witnessing:
    witness = HttpWitness(session, server.signer.cosigning, f"{server.url}/")
    return Witnessing(log=world.reader, witness=witness, clock=lambda: NOW)


async def grown(world: World, *numbers: int) -> None:
    await world.store.offer(facts(*numbers))
    await world.sequencer().step()


async def cosigned_size(world: World, server: WitnessServer) -> int:
    """The served checkpoint's size if the witness has cosigned it, else -1."""
    note = await world.reader.served()
    assert note is not None
    keys = [a_signer(ORIGIN).public, server.signer.cosigning]
    checkpoint, opened = open_checkpoint(note, keys, origin=ORIGIN)
    return checkpoint.size if len(opened.signatures) == 2 else -1


async def test_a_witness_cosigns_every_newest_checkpoint_that_goes_on_from_the_last(
    world: World, server: WitnessServer, session: aiohttp.ClientSession
) -> None:
    witnessing = a_witnessing(world, server, session)
    assert not await witnessing.step()  # there is no log yet
    done = 0
    for count in (1, 1, 254, 1, 43, 300, 7):
        await grown(world, *range(done, done + count))
        done += count
        assert await cosigned_size(world, server) == -1  # served at once, whoever has cosigned
        assert await witnessing.step()
        assert await cosigned_size(world, server) == done
        assert not await witnessing.step()
    assert server.size == done


async def test_a_process_that_is_started_again_goes_on_from_what_was_cosigned(
    world: World, server: WitnessServer, session: aiohttp.ClientSession
) -> None:
    await grown(world, 1, 2, 3)
    await a_witnessing(world, server, session).step()
    await grown(world, 4)
    again = a_witnessing(world, server, session)
    assert await again.step()
    assert server.asked == [0, 3]
    assert not await a_witnessing(world, server, session).step()


async def test_a_witness_that_stands_elsewhere_says_where_and_is_asked_from_there(
    world: World, server: WitnessServer, session: aiohttp.ClientSession
) -> None:
    await grown(world, 1, 2)
    first, second = (a_witnessing(world, server, session) for _ in range(2))
    await first.step()
    await grown(world, 3)
    await second.step()
    await grown(world, 4, 5)
    assert await first.step()  # it thinks that the witness is at two, and it is at three
    assert server.asked == [0, 2, 2, 3]
    assert await cosigned_size(world, server) == 5


async def test_a_witness_that_has_seen_more_than_there_is_is_not_asked_to_forget_it(
    world: World, server: WitnessServer, session: aiohttp.ClientSession
) -> None:
    await grown(world, 1, 2)
    server.size = 9
    with pytest.raises(WitnessRefusal, match="cosigned 9 leaves, and the log has 2"):
        await a_witnessing(world, server, session).step()


@pytest.mark.parametrize("size", [1, 3])
async def test_a_witness_does_not_cosign_a_fork(
    world: World, server: WitnessServer, session: aiohttp.ClientSession, size: int
) -> None:
    await grown(world, 1, 2, 3)
    server.size, server.root = size, b"r" * 32
    with pytest.raises(WitnessRefusal, match=r"only grew|another root"):
        await a_witnessing(world, server, session).step()
    assert await cosigned_size(world, server) == -1


async def test_a_witness_that_does_not_know_the_log_or_its_key_says_so(
    world: World, session: aiohttp.ClientSession
) -> None:
    await grown(world, 1)
    for stranger, text in (
        (a_signer("another.example.test"), "does not know the log"),
        (a_signer(ORIGIN, generation=9), "does not trust"),
    ):
        with WitnessServer(stranger.public) as server, pytest.raises(WitnessRefusal, match=text):
            await a_witnessing(world, server, session).step()


@pytest.mark.parametrize(
    ("says", "fault"),
    [
        ((200, ""), "no signature"),
        ((200, "hello\n"), "no signature"),
        ((200, "\u2014 another.example.test AAAAAAAA\n"), "without its cosignature"),
        ((302, ""), "answers 302"),
        ((409, "x"), "another root"),
    ],
)
async def test_an_answer_that_is_no_cosignature_is_not_kept(
    world: World,
    server: WitnessServer,
    session: aiohttp.ClientSession,
    says: tuple[int, str],
    fault: str,
) -> None:
    await grown(world, 1)
    server.says = says
    with pytest.raises(WitnessRefusal, match=fault):
        await a_witnessing(world, server, session).step()
    assert await cosigned_size(world, server) == -1


async def test_a_cosignature_of_something_else_is_not_kept(
    world: World, server: WitnessServer, session: aiohttp.ClientSession
) -> None:
    await grown(world, 1)
    server.says = (200, server.signer.cosign("another\n1\nroot\n", stamp=7).line())
    with pytest.raises(WitnessRefusal, match="not good"):
        await a_witnessing(world, server, session).step()


async def test_a_witness_that_is_away_is_asked_again_later(
    world: World, server: WitnessServer, session: aiohttp.ClientSession
) -> None:
    await grown(world, 1)
    witnessing = a_witnessing(world, server, session)
    server.says = (503, "")
    with pytest.raises(Unavailable):
        await witnessing.step()
    server.says = None
    assert await witnessing.step()
    with WitnessServer(a_signer(ORIGIN).public) as gone:
        late = a_witnessing(world, gone, session)
    with pytest.raises(Unavailable):
        await late.step()


async def test_a_proof_is_under_a_checkpoint_that_was_cosigned_where_one_has_the_leaf(
    world: World, server: WitnessServer, session: aiohttp.ClientSession
) -> None:
    await grown(world, 1, 2)
    await a_witnessing(world, server, session).step()
    await grown(world, 3)
    assert read_checkpoint((await world.reader.proof(1)).checkpoint).size == 2
    assert read_checkpoint((await world.reader.proof(2)).checkpoint).size == 3
