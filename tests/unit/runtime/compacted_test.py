"""A compacted topic: caught up when what was there has been read, and followed from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from dsr_core.errors import RejectedInput
from dsr_runtime import compacted
from dsr_runtime.compacted import CompactedTopic
from dsr_runtime.kafka import KafkaConnection

PARTITION = TopicPartition("dsr.registry.v1", 0)


class FakeLog:
    """One partition, and a consumer of it that is away a number of times."""

    def __init__(self, *values: str, away: int = 0) -> None:
        self.values = list(values)
        self.away = away
        self.stopped = 0
        self._position = 0

    async def start(self) -> None:
        if self.away:
            self.away -= 1
            raise KafkaConnectionError

    async def stop(self) -> None:
        self.stopped += 1

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert partitions == [PARTITION]

    def seek(self, partition: TopicPartition, offset: int) -> None:
        assert partition == PARTITION
        self._position = offset

    async def beginning_offsets(
        self, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, len(self.values))

    async def position(self, _partition: TopicPartition) -> int:
        await asyncio.sleep(0)
        return self._position

    async def getmany(self, *, timeout_ms: int) -> dict[TopicPartition, Any]:
        assert timeout_ms
        if self._position == len(self.values):
            return {}
        record = SimpleNamespace(value=self.values[self._position], offset=self._position)
        self._position += 1
        return {PARTITION: [record]}


RUBBISH = "rubbish"


@pytest.fixture
def rejected() -> list[str]:
    return []


@pytest.fixture
def topic_of(
    monkeypatch: pytest.MonkeyPatch, rejected: list[str]
) -> Callable[[FakeLog, list[str]], CompactedTopic]:
    def make(log: FakeLog, read: list[str]) -> CompactedTopic:
        def handle(record: Any) -> None:
            if record.value == RUBBISH:
                raise RejectedInput("undecodable", "rubbish")
            read.append(str(record.value))

        monkeypatch.setattr(compacted, "AIOKafkaConsumer", lambda **_: log)
        connection = KafkaConnection(bootstrap="kafka.test:9092")
        return CompactedTopic(connection, PARTITION.topic, handle, rejected=rejected.append)

    return make


Make = Callable[[FakeLog, list[str]], CompactedTopic]


async def test_it_is_caught_up_when_all_that_was_there_is_read(topic_of: Make) -> None:
    read: list[str] = []
    log = FakeLog("a", "b")
    topic = topic_of(log, read)
    with pytest.raises(RuntimeError, match="not read yet"):
        await topic.ping()
    running = asyncio.create_task(topic.run())
    await topic.caught_up()
    assert read == ["a", "b"]
    await topic.ping()
    topic.stop()
    await running
    assert log.stopped == 1


async def test_an_empty_topic_is_caught_up_at_once(topic_of: Make) -> None:
    topic = topic_of(FakeLog(), [])
    running = asyncio.create_task(topic.run())
    await topic.caught_up()
    topic.stop()
    await running


async def test_what_comes_later_is_read_and_whoever_waits_for_it_is_told(topic_of: Make) -> None:
    read: list[str] = []
    log = FakeLog("a")
    topic = topic_of(log, read)
    running = asyncio.create_task(topic.run())
    await topic.caught_up()
    waiting = asyncio.create_task(topic.wait_until(lambda: "b" in read, 30))
    log.values.append("b")
    assert await waiting is True
    topic.stop()
    await running


async def test_it_stops_while_a_read_waits_at_the_broker(topic_of: Make) -> None:
    class Waiting(FakeLog):
        async def getmany(self, *, timeout_ms: int) -> dict[TopicPartition, Any]:
            assert timeout_ms
            await asyncio.Event().wait()
            raise AssertionError

    log = Waiting()
    topic = topic_of(log, [])
    running = asyncio.create_task(topic.run())
    await topic.caught_up()
    topic.stop()
    await running
    assert log.stopped == 1


async def test_rubbish_is_told_of_and_passed_over(topic_of: Make, rejected: list[str]) -> None:
    read: list[str] = []
    topic = topic_of(FakeLog("a", RUBBISH, "b", RUBBISH), read)
    running = asyncio.create_task(topic.run())
    await topic.caught_up()
    assert (read, rejected) == (["a", "b"], ["undecodable", "undecodable"])
    topic.stop()
    await running


async def test_waiting_for_what_does_not_come_ends_in_time(topic_of: Make) -> None:
    topic = topic_of(FakeLog(), [])
    assert await topic.wait_until(lambda: False, 0.01) is False
    assert await topic.wait_until(lambda: True, 0.01) is True


async def test_it_starts_over_when_kafka_was_away(topic_of: Make) -> None:
    class Breaking(FakeLog):
        broken = True

        async def position(self, partition: TopicPartition) -> int:
            if self.broken and self.values:
                self.broken = False
                raise KafkaConnectionError
            return await super().position(partition)

    read: list[str] = []
    topic = topic_of(Breaking("a", away=1), read)
    running = asyncio.create_task(topic.run())
    await topic.caught_up()
    assert read == ["a"]
    topic.stop()
    await running
