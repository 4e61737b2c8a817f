"""Kafka, as a producer."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka.errors import KafkaError

from dsr_core.errors import Unavailable
from dsr_runtime.kafka import Publisher
from dsr_wire.envelope import Outgoing

__all__ = ["KafkaPublisher"]


class KafkaPublisher:
    """The port `Publisher`, over the runtime's idempotent producer."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def publish(self, records: Iterable[Outgoing]) -> None:
        """Send records; all are durable when this returns."""
        try:
            await self._publisher.publish(records)
        except (KafkaError, OSError) as error:
            raise Unavailable(f"kafka did not take it ({type(error).__name__})") from error
