"""What the lean parts share: what they were told, their Kafka clients, and a loop that reads batches."""

import json
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from dsr_runtime.kafka import KafkaConnection

__all__ = ["TOLD", "batches", "consumer", "producer", "say_ready", "send"]

TOLD: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
KAFKA = KafkaConnection(**{**TOLD["kafka"], "ca_file": Path(TOLD["kafka"]["ca_file"])})


async def producer(linger_ms: int) -> AIOKafkaProducer:
    made = AIOKafkaProducer(**KAFKA.arguments(), enable_idempotence=True, linger_ms=linger_ms)
    await made.start()
    return made


async def consumer(*topics: str) -> AIOKafkaConsumer:
    made = AIOKafkaConsumer(
        *topics,
        **KAFKA.arguments(),
        group_id=f"lean-{'-'.join(topics)}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await made.start()
    return made


async def batches(
    source: AIOKafkaConsumer, *, limit: int, wait_ms: int
) -> AsyncIterator[list[Any]]:
    """Yield what has arrived; committed once the one who iterates comes back for more."""
    while True:
        found = await source.getmany(timeout_ms=wait_ms, max_records=limit)
        if found:
            yield [message for messages in found.values() for message in messages]
            await source.commit()


async def send(target: AIOKafkaProducer, records: Iterable[tuple[str, str, object]]) -> None:
    """Send (topic, key, value) and return when the broker has them all."""
    under_way = [
        await target.send(topic, json.dumps(value).encode(), key=key.encode())
        for topic, key, value in records
    ]
    for one in under_way:
        await one


def say_ready() -> None:
    Path(TOLD["ready_file"]).touch()
