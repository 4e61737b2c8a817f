"""Warming Kafka up: its JVM compiles what it runs often, and neither loop should pay for that.

A cold Kafka costs the first hundred requests twice as much as a warm one costs the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from dsr_cli.bench.rig import Rig
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.topics import create_topics
from dsr_wire.topics import Topic

__all__ = ["warm_kafka"]

_TOPIC = Topic(name="bench.warming", key="none", producers=(), consumers=(), partitions=8)
_SENDERS = 4
_SENT_BY_EACH = 750
_VALUE = b"x" * 500


async def warm_kafka(rig: Rig) -> None:
    """Send some thousand records one by one, read them in small batches, and commit each."""
    create_topics(kafka_admin(rig.stack).client(), [_TOPIC])
    connection = rig.kafka.arguments()
    consumer = AIOKafkaConsumer(
        _TOPIC.name,
        **connection,
        group_id="bench-warming",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producers = [AIOKafkaProducer(**connection, enable_idempotence=True) for _ in range(_SENDERS)]
    for client in (consumer, *producers):
        await client.start()
    reading = asyncio.create_task(_read(consumer))
    try:
        await asyncio.gather(*map(_send, producers))
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        for client in (consumer, *producers):
            await client.stop()


async def _send(producer: AIOKafkaProducer) -> None:
    for key in _keys():
        await producer.send_and_wait(_TOPIC.name, _VALUE, key=key)


async def _read(consumer: AIOKafkaConsumer) -> None:
    while True:
        if await consumer.getmany(timeout_ms=100, max_records=20):
            await consumer.commit()


def _keys() -> Iterator[bytes]:
    return (str(number).encode() for number in range(_SENT_BY_EACH))
