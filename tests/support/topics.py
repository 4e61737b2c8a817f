"""Topics and consumer groups: where they end, and a group that begins there."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from dsr_runtime.kafka import KafkaConnection
from dsr_wire.topics import Topic

__all__ = ["begin_at_the_end", "ends_of"]


async def ends_of(kafka: KafkaConnection, topics: Iterable[Topic]) -> dict[TopicPartition, int]:
    """Return where topics end now."""
    partitions = [
        TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)
    ]
    async with AIOKafkaConsumer(**kafka.arguments()) as consumer:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        return ends


async def begin_at_the_end(kafka: KafkaConnection, group_id: str, topics: Iterable[Topic]) -> None:
    """Let a group that has no member begin after what other tests have sent."""
    ends = await ends_of(kafka, topics)
    async with AIOKafkaConsumer(
        **kafka.arguments(), group_id=group_id, enable_auto_commit=False
    ) as consumer:
        consumer.assign(list(ends))
        await consumer.commit(ends)
