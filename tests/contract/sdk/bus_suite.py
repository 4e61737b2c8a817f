"""What every bus does, as `dsr_sdk.bus.Bus` says. Run on the fake always, on Kafka where there is one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest

from dsr_core.errors import Unavailable
from dsr_sdk.bus import Bus, Record
from dsr_wire.envelope import Outgoing

HEADERS = (("ce_id", b"1"), ("ce_type", b"a"), ("ce_type", b"b"))


@dataclass(frozen=True)
class BusFactory:
    """Makes buses that are connected to one broker, and topics on it."""

    bus: Callable[[], Bus]
    unreachable: Callable[[], Bus]
    topic: Callable[[], Awaitable[str]]
    """A fresh topic with three partitions."""


def a_group() -> str:
    return f"dsr.acme.{uuid.uuid4().hex}"


def some(topic: str, count: int, *, key: bytes = b"one") -> list[Outgoing]:
    return [Outgoing(topic, key, f"value {n}".encode(), HEADERS) for n in range(count)]


async def take(bus: Bus, count: int, *, limit: int = 100) -> list[Record]:
    """Poll until there are as many records, with a deadline."""
    found: list[Record] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found.extend(await bus.poll(timeout=1, limit=limit))
    return found


def values(records: Sequence[Record]) -> list[bytes | None]:
    return [one.value for one in records]


class BusContract:
    """The suite. A subclass gives the fixture `buses`."""

    async def test_what_is_sent_is_polled_unchanged(self, buses: BusFactory) -> None:
        topic = await buses.topic()
        bus = buses.bus()
        await bus.start([topic], a_group())
        await bus.send(some(topic, 1))
        (record,) = await take(bus, 1)
        assert (record.topic, record.offset, record.key) == (topic, 0, b"one")
        assert record.value == b"value 0"
        assert tuple(record.headers) == HEADERS
        await bus.stop()

    async def test_a_new_group_begins_with_the_earliest(self, buses: BusFactory) -> None:
        topic = await buses.topic()
        sender, reader = buses.bus(), buses.bus()
        await sender.start([await buses.topic()], a_group())
        await sender.send(some(topic, 2))
        await reader.start([topic], a_group())
        assert values(await take(reader, 2)) == [b"value 0", b"value 1"]
        await sender.stop()
        await reader.stop()

    async def test_records_of_a_partition_come_in_order_and_by_the_limit(
        self, buses: BusFactory
    ) -> None:
        topic = await buses.topic()
        bus = buses.bus()
        await bus.start([topic], a_group())
        await bus.send(some(topic, 10))
        first = await take(bus, 1, limit=3)
        assert 1 <= len(first) <= 3
        rest = await take(bus, 10 - len(first), limit=3)
        assert values([*first, *rest]) == [f"value {n}".encode() for n in range(10)]
        await bus.stop()

    async def test_several_topics_are_read(self, buses: BusFactory) -> None:
        topics = [await buses.topic(), await buses.topic()]
        bus = buses.bus()
        await bus.start(topics, a_group())
        await bus.send([*some(topics[0], 1), *some(topics[1], 1)])
        assert {one.topic for one in await take(bus, 2)} == set(topics)
        await bus.stop()

    async def test_an_idle_poll_returns_nothing_after_its_timeout(self, buses: BusFactory) -> None:
        bus = buses.bus()
        await bus.start([await buses.topic()], a_group())
        assert list(await bus.poll(timeout=0.05, limit=10)) == []
        await bus.stop()

    async def test_a_cancelled_poll_loses_nothing(self, buses: BusFactory) -> None:
        topic = await buses.topic()
        bus = buses.bus()
        await bus.start([topic], a_group())
        polling = asyncio.create_task(bus.poll(timeout=10, limit=10))
        await asyncio.wait({polling}, timeout=0.05)
        polling.cancel()
        await asyncio.wait({polling})
        await bus.send(some(topic, 2))
        assert values(await take(bus, 2)) == [b"value 0", b"value 1"]
        await bus.stop()

    async def test_what_was_not_committed_comes_again(self, buses: BusFactory) -> None:
        topic, group = await buses.topic(), a_group()
        bus = buses.bus()
        await bus.start([topic], group)
        await bus.send(some(topic, 3))
        records = await take(bus, 3)
        await bus.commit(records[:1])
        await bus.stop()
        await bus.start([topic], group)
        assert values(await take(bus, 2)) == [b"value 1", b"value 2"]
        await bus.stop()

    async def test_what_was_committed_does_not_come_again(self, buses: BusFactory) -> None:
        topic, group = await buses.topic(), a_group()
        first, second = buses.bus(), buses.bus()
        await first.start([topic], group)
        await first.send(some(topic, 3))
        await first.commit(await take(first, 3))
        await first.stop()
        await second.start([topic], group)
        assert list(await second.poll(timeout=0.5, limit=10)) == []
        await second.send(some(topic, 1, key=b"two"))
        assert [one.key for one in await take(second, 1)] == [b"two"]
        await second.stop()

    async def test_every_group_gets_everything(self, buses: BusFactory) -> None:
        topic = await buses.topic()
        one, two = buses.bus(), buses.bus()
        await one.start([topic], a_group())
        await two.start([topic], a_group())
        await one.send(some(topic, 2))
        assert values(await take(one, 2)) == values(await take(two, 2))
        await one.stop()
        await two.stop()

    async def test_a_stopped_bus_says_so(self, buses: BusFactory) -> None:
        topic = await buses.topic()
        bus = buses.bus()
        await bus.stop()
        await bus.start([topic], a_group())
        await bus.stop()
        await bus.stop()
        with pytest.raises(Unavailable):
            await bus.poll(timeout=0.01, limit=1)
        with pytest.raises(Unavailable):
            await bus.send(some(topic, 1))
        with pytest.raises(Unavailable):
            await bus.commit([])

    async def test_a_broker_that_is_away_is_unavailable(self, buses: BusFactory) -> None:
        bus = buses.unreachable()
        with pytest.raises(Unavailable):
            await bus.start(["dsr.deletion.acme.v1"], a_group())
        await bus.stop()
