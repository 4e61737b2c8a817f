"""Refusals: a record that can never succeed goes to its dead-letter topic, and the stream goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from aiokafka import ConsumerRecord

from dsr_core.errors import RejectedInput
from dsr_fanout.metrics import Metrics
from dsr_fanout.ports import Publisher
from dsr_wire.dead_letters import bury_record

__all__ = ["Refusals"]

log = structlog.get_logger(__name__)


class Refusals:
    """Buries refused records."""

    def __init__(
        self, *, publisher: Publisher, metrics: Metrics, now: Callable[[], datetime]
    ) -> None:
        self._publisher = publisher
        self._metrics = metrics
        self._now = now

    async def refuse(self, record: ConsumerRecord, fault: RejectedInput, *, group_id: str) -> None:
        """Bury a record; its offset may be committed once this returns.

        Raises:
            Unavailable: Kafka did not take the dead letter, so the record is not done with.
        """
        letter = bury_record(
            record,
            fault=fault,
            refused_by=group_id,
            at=self._now(),
        )
        await self._publisher.publish((letter,))
        self._metrics.dead_letters.labels(record.topic, fault.reason).inc()
        log.warning(
            "a record is refused",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=fault.reason,
        )
