"""Reads dsr.links.v1: what systems found out is taken in; what cannot be read is dead-lettered."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from aiokafka import ConsumerRecord

from dsr_contracts.v1 import links_pb2
from dsr_core.errors import RejectedInput
from dsr_intake.application.clock import Clock
from dsr_intake.application.forming import SOURCE
from dsr_intake.application.linking import LinkTaking
from dsr_intake.metrics import Metrics
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.links import links_found_from_wire
from dsr_wire.dead_letters import bury_record
from dsr_wire.envelope import decode

__all__ = ["GROUP", "LinkStream"]

log = structlog.get_logger(__name__)

GROUP = "dsr.intake.links"


class LinkStream:
    """Handles batches of records; the same batch again changes nothing."""

    def __init__(
        self, *, linking: LinkTaking, publisher: Publisher, metrics: Metrics, clock: Clock
    ) -> None:
        self._linking = linking
        self._publisher = publisher
        self._metrics = metrics
        self._clock = clock

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Take in what the records tell, and dead-letter those that cannot be followed."""
        for record in records:
            try:
                message = decode(record.value, record.headers, links_pb2.LinksFound)
                await self._linking.take(links_found_from_wire(message))
            except RejectedInput as fault:
                await self._publisher.publish(
                    [bury_record(record, fault=fault, refused_by=SOURCE, at=self._clock())]
                )
                self._metrics.dead_letters.labels(fault.reason).inc()
                log.warning(
                    "links are dead-lettered",
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    reason=fault.reason,
                )
