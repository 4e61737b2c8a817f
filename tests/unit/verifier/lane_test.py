"""Lanes: micro-batches in order, acknowledged in order, after they are durable and never before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from unit.verifier.letter_fakes import FakeDeadLetters

from dsr_core.errors import Unavailable
from dsr_verifier.application.tally import Tally
from dsr_verifier.metrics import Metrics
from dsr_verifier.ports import Received
from dsr_verifier.streams.handling import Handling
from dsr_verifier.streams.lane import Lane
from support.builders import NOW
from support.waiting import eventually


@dataclass
class Message:
    offset: int
    value: bytes | None = b"value"
    topic: str = "a topic"
    partition: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = (("a header", None),)
    timestamp: float = NOW.timestamp()
    timestamp_type: int = 1


@dataclass
class Event:
    message: Message
    acknowledged: list[int]

    def ack(self) -> None:
        self.acknowledged.append(self.message.offset)


@dataclass
class Stream:
    """What Faust gives an agent."""

    arriving: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    def noack(self) -> Self:
        return self

    async def events(self) -> AsyncIterator[Event]:
        while True:
            yield await self.arriving.get()


class Scene:
    """A lane, and an application that waits until it is let go."""

    def __init__(self, **bounds: int) -> None:
        self.taken: list[list[int]] = []
        self.times: list[datetime] = []
        self.acknowledged: list[int] = []
        self.go = asyncio.Event()
        self.go.set()
        self.away = False
        self.stream = Stream()
        handling = Handling(
            "a topic",
            self._take,
            dead_letters=FakeDeadLetters(),
            metrics=Metrics(),
            after=lambda _tally: None,
        )
        self.lane = Lane(handling, **{"max_records": 10, "max_bytes": 10_000, **bounds})

    def arrive(self, *offsets: int, size: int = 5) -> None:
        for offset in offsets:
            message = Message(offset, bytes(size))
            self.stream.arriving.put_nowait(Event(message, self.acknowledged))

    async def _take(self, records: Sequence[Received]) -> Tally:
        await self.go.wait()
        if self.away:
            raise Unavailable("postgresql")
        self.taken.append([one.offset for one in records])
        self.times.extend(one.received_at for one in records)
        return Tally()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        agent = asyncio.create_task(self.lane.consume(self.stream))
        run = asyncio.create_task(self.lane.run())
        yield run
        self.lane.stop()
        agent.cancel()
        await asyncio.wait([agent, run])


async def test_a_lone_event_goes_at_once() -> None:
    scene = Scene()
    async with scene.running():
        scene.arrive(1)
        await eventually(lambda: scene.acknowledged)
    assert scene.taken == [[1]]


async def test_the_time_of_receipt_is_the_broker_s_and_never_what_a_producer_says() -> None:
    scene = Scene()
    async with scene.running():
        for offset, kind in ((1, 1), (2, 0)):
            event = Event(Message(offset, timestamp_type=kind), scene.acknowledged)
            scene.stream.arriving.put_nowait(event)
        await eventually(lambda: len(scene.acknowledged) == 2)
    by_broker, by_producer = scene.times
    assert by_broker == NOW
    assert timedelta() <= datetime.now(UTC) - by_producer < timedelta(minutes=1)


async def test_what_arrives_during_a_commit_goes_together() -> None:
    scene = Scene()
    async with scene.running():
        scene.go.clear()
        scene.arrive(1)
        await eventually(lambda: not scene.lane._events and scene.stream.arriving.empty())
        scene.arrive(*range(2, 9))
        await eventually(lambda: len(scene.lane._events) == 7)
        assert scene.acknowledged == []
        scene.go.set()
        await eventually(lambda: len(scene.acknowledged) == 8)
    assert scene.taken == [[1], [2, 3, 4, 5, 6, 7, 8]]
    assert scene.acknowledged == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_micro_batches_are_bounded_in_records_and_bytes() -> None:
    scene = Scene(max_records=4, max_bytes=100)
    scene.go.clear()
    async with scene.running():
        scene.arrive(1)
        scene.arrive(2, 3, 4, 5, 6)
        scene.arrive(7, 8, 9, size=70)
        scene.go.set()
        await eventually(lambda: len(scene.acknowledged) == 9)
    assert all(len(one) <= 4 for one in scene.taken)
    assert all(len(set(one) & {7, 8, 9}) <= 2 for one in scene.taken)
    assert [offset for one in scene.taken for offset in one] == list(range(1, 10))


async def test_no_more_is_queued_than_is_sure_to_be_used() -> None:
    scene = Scene(max_records=5)
    scene.go.clear()
    async with scene.running():
        scene.arrive(*range(100))
        await eventually(lambda: len(scene.lane._events) == 10)
        assert scene.stream.arriving.qsize() >= 80
        scene.go.set()
        await eventually(lambda: len(scene.acknowledged) == 100)
    assert scene.acknowledged == list(range(100))


async def test_no_more_bytes_are_queued_than_are_sure_to_be_used() -> None:
    scene = Scene(max_bytes=1000)
    scene.go.clear()
    async with scene.running():
        scene.arrive(*range(10), size=500)
        # One is in hand with what filled its micro-batch, and twice that much waits.
        await eventually(lambda: scene.lane._bytes >= 2000)
        assert scene.lane._bytes == 2000
        assert scene.stream.arriving.qsize() >= 4
        scene.go.set()
        await eventually(lambda: len(scene.acknowledged) == 10)
    assert scene.acknowledged == list(range(10))


async def test_a_micro_batch_that_is_abandoned_is_not_acknowledged() -> None:
    scene = Scene()
    scene.away = True
    async with scene.running() as run:
        scene.arrive(1, 2)
        await eventually(lambda: scene.lane.handling.fault)
        scene.lane.stop()
        await run
    assert scene.acknowledged == []


async def test_what_is_queued_at_a_stop_is_not_acknowledged() -> None:
    scene = Scene(max_records=1)
    scene.go.clear()
    async with scene.running() as run:
        scene.arrive(1, 2)
        await eventually(lambda: scene.lane._events)
        scene.lane.stop()
        scene.go.set()
        await run
    assert scene.acknowledged == [1]


async def test_a_cancelled_lane_acknowledges_nothing() -> None:
    scene = Scene()
    scene.go.clear()
    async with scene.running() as run:
        scene.arrive(1)
        await eventually(lambda: not scene.lane._events and scene.stream.arriving.empty())
        run.cancel()
        await asyncio.wait([run])
    assert scene.acknowledged == []
