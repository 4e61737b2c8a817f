"""Reads dsr.closures.v1: what is closed is answered, what cannot be read is dead-lettered."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from aiokafka import ConsumerRecord

from dsr_contracts.v1 import closures_pb2
from dsr_core.errors import RejectedInput
from dsr_intake.application.answering import Answering
from dsr_intake.application.clock import Clock
from dsr_intake.application.forming import SOURCE
from dsr_intake.metrics import Metrics
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.closures import Closure, closures_from_wire
from dsr_wire.dead_letters import bury_record
from dsr_wire.envelope import decode

__all__ = ["GROUP", "ClosureStream"]

log = structlog.get_logger(__name__)

GROUP = "dsr.intake.closures"


class ClosureStream:
    """Handles batches of records; the same batch again changes nothing."""

    def __init__(
        self,
        *,
        answering: Answering,
        publisher: Publisher,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._answering = answering
        self._publisher = publisher
        self._metrics = metrics
        self._clock = clock

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Answer what the records close, and dead-letter those that cannot be followed."""
        read: list[tuple[ConsumerRecord, tuple[Closure, ...]]] = []
        refused: list[tuple[ConsumerRecord, RejectedInput]] = []
        for record in records:
            try:
                message = decode(record.value, record.headers, closures_pb2.Closures)
                read.append((record, closures_from_wire(message)))
            except RejectedInput as fault:
                refused.append((record, fault))
        closures = [closure for _, many in read for closure in many]
        if closures:
            unknown = await self._answering.answer(closures)
            for record, many in read:
                if any(one.request_id in unknown for one in many):
                    detail = (
                        "the closure names a request that was never accepted, or not opened, here"
                    )
                    refused.append((record, RejectedInput("unknown_request", detail)))
        await self._bury(refused)

    async def _bury(self, refused: Sequence[tuple[ConsumerRecord, RejectedInput]]) -> None:
        if not refused:
            return
        at = self._clock()
        await self._publisher.publish(
            bury_record(
                record,
                fault=fault,
                refused_by=SOURCE,
                at=at,
            )
            for record, fault in refused
        )
        for record, fault in refused:
            self._metrics.dead_letters.labels(fault.reason).inc()
            log.warning(
                "a closure is dead-lettered",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                reason=fault.reason,
            )
