"""Reads dsr.closures.v1: what is closed is answered, what cannot be read is dead-lettered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import structlog
from aiokafka import ConsumerRecord

from dsr_contracts.v1 import closures_pb2
from dsr_core import tracing
from dsr_core.errors import RejectedInput
from dsr_intake.application.answering import Answering
from dsr_intake.application.clock import Clock
from dsr_intake.application.forming import SOURCE
from dsr_intake.metrics import Metrics
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.closures import Closure, closures_from_wire
from dsr_wire.dead_letters import bury_record
from dsr_wire.envelope import decode, trace_of
from dsr_wire.topics import CLOSURES

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
        with tracing.together(
            "take closures",
            [trace_of(one.headers) if tracing.is_on() else None for one in records],
            kind=tracing.Kind.CONSUMER,
            topic=CLOSURES.name,
        ) as spans:
            await self._handle(records, spans)

    async def _handle(self, records: Sequence[ConsumerRecord], spans: Sequence[str | None]) -> None:
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
            of_records = {id(one): span for one, span in zip(records, spans, strict=True)}
            with tracing.knowing(_by_request(read, of_records)):
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


def _by_request(
    read: Iterable[tuple[ConsumerRecord, Iterable[Closure]]], spans: Mapping[int, str | None]
) -> dict[str, str]:
    """Return in which span each request goes on: its record's, and of a cohort of several its own."""
    found: dict[str, str] = {}
    for record, closures in read:
        span = spans[id(record)]
        for one in closures if span is not None else ():
            is_one_of_many = str(one.cohort_id) != one.request_id
            with tracing.span(
                "answer a request", parent=span, apart=is_one_of_many, request_id=one.request_id
            ) as begun:
                if begun is not None:
                    found[one.request_id] = begun.traceparent
    return found
