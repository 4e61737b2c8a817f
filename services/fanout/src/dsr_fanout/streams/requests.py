"""dsr.requests.v1: each accepted cohort gets its workflow, before its offset is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from aiokafka import ConsumerRecord

from dsr_contracts.v1 import requests_pb2
from dsr_core import tracing
from dsr_core.errors import RejectedInput
from dsr_fanout.application.starting import Starting
from dsr_fanout.metrics import Metrics
from dsr_fanout.streams.refusals import Refusals
from dsr_fanout.streams.together import together
from dsr_wire.codec.requests import cohort_accepted_from_wire
from dsr_wire.envelope import decode, trace_of

__all__ = ["REQUESTS_GROUP", "RequestsStream"]

REQUESTS_GROUP = "dsr.fanout.requests"


class RequestsStream:
    """Handles batches of accepted cohorts."""

    def __init__(
        self,
        *,
        starting: Starting,
        refusals: Refusals,
        metrics: Metrics,
        now: Callable[[], datetime],
        concurrency: int,
    ) -> None:
        self._starting = starting
        self._refusals = refusals
        self._metrics = metrics
        self._now = now
        self._limit = asyncio.Semaphore(concurrency)

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Return when every record has its workflow or its dead letter.

        When it raises, some have theirs; being given the same records again starts nothing twice.
        """
        await together(self._one(record) for record in records)

    async def _one(self, record: ConsumerRecord) -> None:
        async with self._limit:
            try:
                message = decode(record.value, record.headers, requests_pb2.CohortAccepted)
                cohort = cohort_accepted_from_wire(message)
                given = trace_of(record.headers)
                with tracing.span(
                    "take a cohort",
                    parent=given,
                    kind=tracing.Kind.CONSUMER,
                    apart=len(cohort.request_ids) > 1,
                    topic=record.topic,
                    cohort_id=cohort.cohort_id,
                    right=cohort.right.value,
                    count=len(cohort.request_ids),
                ):
                    outcome = await self._starting.start(
                        cohort, traceparent=tracing.current() or given, at=self._now()
                    )
            except RejectedInput as fault:
                await self._refusals.refuse(record, fault, group_id=REQUESTS_GROUP)
            else:
                self._metrics.starts.labels(outcome.value).inc()
