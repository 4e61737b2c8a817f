"""Starting, being ready, and stopping without losing what is in hand."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from unit.sdk.running import KEYS, World, a_subscriber

from dsr_core.rights import Disposition
from dsr_sdk import Answer, ConfigurationError, DeletionRequest, Erased
from dsr_sdk.testing import FakeBroker, FakeBus, MemoryOutcomeStore, a_notice
from dsr_sdk.testing.notices import new_request_id
from support.waiting import eventually

PERSON = {"email": "a@example.com"}


def a_world(notices: int = 1) -> World:
    world = World(FakeBroker(partitions=1))
    world.send(*(a_notice({new_request_id(): PERSON}, to=[KEYS.public]) for _ in range(notices)))
    return world


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_drains(number: signal.Signals) -> None:
    world, subscriber = a_world(), a_subscriber()

    @subscriber.deletion
    async def erase(_request: DeletionRequest) -> Answer:
        os.kill(os.getpid(), number)
        for _ in range(10):
            await asyncio.sleep(0)
        return Erased(3)

    subscriber.run(FakeBus(world.broker))
    assert [one.records for one in world.answers] == [3]
    assert world.committed == 1


def test_sigterm_leaves_what_was_not_begun_for_the_successor() -> None:
    world, subscriber = World(FakeBroker(partitions=1)), a_subscriber()
    for size in (2000, 1):
        many = {new_request_id(): PERSON for _ in range(size)}
        world.send(a_notice(many, to=[KEYS.public]))

    @subscriber.deletion_batch
    def erase(requests: list[DeletionRequest]) -> list[Answer]:
        os.kill(os.getpid(), signal.SIGTERM)
        return [Erased() for _ in requests]

    subscriber.run(FakeBus(world.broker))
    assert world.committed == 1
    assert len(world.answers) == 2000


async def test_a_handler_that_outlasts_the_drain_is_abandoned_and_asked_again() -> None:
    world, outcomes = a_world(), MemoryOutcomeStore()
    subscriber = a_subscriber(outcomes, drain_timeout=0.05)
    begun = asyncio.Event()

    @subscriber.deletion
    async def hang(_request: DeletionRequest) -> Answer:
        begun.set()
        await asyncio.Event().wait()
        return Erased()

    serving = asyncio.create_task(subscriber.serve(FakeBus(world.broker)))
    await begun.wait()
    await subscriber.stop()
    await serving
    assert (world.answers, world.committed) == ((), 0)
    successor, repeats = a_subscriber(outcomes), []

    @successor.deletion
    async def erase(request: DeletionRequest) -> Answer:
        repeats.append(request.may_be_repeat)
        return Erased()

    async with world.serving(successor):
        await world.commits(1)
    assert repeats == [True]


async def test_a_plain_handler_that_outlasts_the_drain_is_let_go() -> None:
    world, release, begun = a_world(2), threading.Event(), threading.Event()
    subscriber = a_subscriber(drain_timeout=0.05, concurrency=1)

    @subscriber.deletion
    def hang(_request: DeletionRequest) -> Answer:
        begun.set()
        release.wait(10)
        return Erased()

    async with world.serving(subscriber):
        await eventually(begun.is_set)
    assert subscriber.asker.has_busy_threads
    release.set()
    await eventually(lambda: not subscriber.asker.has_busy_threads)
    assert world.committed == 0


def test_a_stuck_thread_does_not_keep_the_process(tmp_path: Path) -> None:
    program = tmp_path / "stuck.py"
    program.write_text(
        """
import os, signal, threading
from dsr_sdk import Erased
from dsr_sdk.testing import FakeBroker, FakeBus
from unit.sdk.stopping_test import a_subscriber, a_world

subscriber = a_subscriber(drain_timeout=0.1)

@subscriber.deletion
def hang(request):
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait()
    return Erased()

subscriber.run(FakeBus(a_world().broker))
"""
    )
    tests = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "PYTHONPATH": str(tests)},
        timeout=30,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert "abandoned" in ended.stderr


async def test_cancelling_serve_stops_it() -> None:
    world, subscriber = a_world(), a_subscriber()
    subscriber.deletion(lambda _request: Erased())
    serving = asyncio.create_task(subscriber.serve(FakeBus(world.broker)))
    await world.commits(1)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    await subscriber.stop()


async def test_ready_is_told_once_partitions_are_assigned(tmp_path: Path) -> None:
    told: list[str] = []
    broker = FakeBroker()
    broker.is_away = True
    subscriber = a_subscriber(ready_file=tmp_path / "ready")
    subscriber.deletion(lambda _request: Erased())

    @subscriber.on_ready
    def tell() -> None:
        told.append("plainly")

    @subscriber.on_ready
    async def tell_later() -> None:
        told.append("awaited")

    async with World(broker).serving(subscriber):
        assert told == []
        broker.is_away = False
        await eventually((tmp_path / "ready").exists)
        broker.is_away = True
        broker.is_away = False
    assert told == ["plainly", "awaited"]


async def test_a_broker_that_goes_away_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    world, subscriber = a_world(), a_subscriber()
    subscriber.deletion(lambda _request: Erased())
    async with world.serving(subscriber):
        await world.commits(1)
        world.broker.is_away = True
        world.send(a_notice({new_request_id(): PERSON}, to=[KEYS.public]))
        await eventually(lambda: "the broker is away; trying again" in caplog.text)
        world.broker.is_away = False
        await world.commits(2)
    assert [one.disposition for one in world.answers] == [Disposition.ERASED] * 2


async def test_what_cannot_run_says_so() -> None:
    subscriber = a_subscriber()
    with pytest.raises(ConfigurationError, match="no handler"):
        await subscriber.serve(FakeBus())
    subscriber.deletion(lambda _request: Erased())
    with pytest.raises(ConfigurationError, match="already a handler"):
        subscriber.deletion_batch(lambda requests: [Erased() for _ in requests])
    with pytest.raises(ConfigurationError, match="no Kafka"):
        await subscriber.serve()
    await subscriber.stop()
