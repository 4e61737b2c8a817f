"""How far behind a group is, on a real Kafka: also while nobody reads, and before it has ever read."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaTimeoutError

from dsr_cli.stack import Stack
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_runtime.lag import Lag
from dsr_runtime.records import Record
from support.waiting import eventually


@pytest.fixture
async def topic(stack: Stack, kafka: KafkaConnection) -> str:
    """A topic of three partitions that nothing else reads."""
    del stack
    name = f"lag-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(**kafka.arguments())
    await admin.start()
    await admin.create_topics([NewTopic(name, 3, 1)])
    await admin.close()
    return name


async def written(kafka: KafkaConnection, topic: str, count: int) -> None:
    publisher = Publisher(kafka, client_id="tests")
    await publisher.start()
    await publisher.publish([Record(topic, b"%d" % n, b"anything") for n in range(count)])
    await publisher.stop()


async def test_what_a_group_has_not_committed_is_its_lag(
    kafka: KafkaConnection, topic: str
) -> None:
    await written(kafka, topic, 7)
    group_id = f"dsr.lag-{uuid.uuid4().hex[:8]}"
    found: dict[str, int] = {}
    lag = Lag(kafka, {topic: group_id}, show=found.__setitem__, every_s=0.2)
    counting = asyncio.create_task(lag.run())

    async def behind_by(count: int) -> None:
        async def is_so() -> bool:
            return found.get(topic) == count

        await eventually(is_so, what=f"{count} are unread")

    await behind_by(7)
    async with AIOKafkaConsumer(
        topic,
        **kafka.arguments(),
        group_id=group_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    ) as reading:
        left = 7
        while left:
            taken = await reading.getmany(timeout_ms=200)
            left -= sum(len(records) for records in taken.values())
        await reading.commit()
    await behind_by(0)
    await written(kafka, topic, 3)
    await behind_by(3)
    lag.stop()
    await counting


async def test_a_client_whose_connection_is_dead_is_not_asked_again(
    kafka: KafkaConnection, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(kafka, topic, 2)
    made: list[AIOKafkaConsumer] = []

    def made_anew(lag: Lag) -> AIOKafkaConsumer:
        made.append(new_consumer(lag))
        if len(made) == 1:
            monkeypatch.setattr(made[0], "end_offsets", timed_out)
        return made[-1]

    async def timed_out(_: object) -> None:
        raise KafkaTimeoutError

    new_consumer = Lag._new_consumer
    monkeypatch.setattr(Lag, "_new_consumer", made_anew)
    found: dict[str, int] = {}
    lag = Lag(kafka, {topic: "dsr.lag-of-the-dead"}, show=found.__setitem__, every_s=0.2)
    counting = asyncio.create_task(lag.run())
    await eventually(lambda: found.get(topic) == 2, what="another client has counted")
    assert len(made) == 2
    lag.stop()
    await counting
