"""dsr.lifecycle.v1: a cohort's last answer is a hint for its workflow. Nothing here is believed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import ConsumerRecord

from dsr_contracts.v1 import lifecycle_pb2
from dsr_core import tracing
from dsr_core.errors import RejectedInput
from dsr_fanout.metrics import Metrics
from dsr_fanout.ports import Workflows
from dsr_fanout.streams.refusals import Refusals
from dsr_fanout.streams.together import together
from dsr_wire.codec.lifecycle import cohort_answered_from_wire
from dsr_wire.envelope import decode_one_of, header, trace_of

__all__ = ["LIFECYCLE_GROUP", "LifecycleStream"]

LIFECYCLE_GROUP = "dsr.fanout.lifecycle"

_KINDS = (lifecycle_pb2.CohortAnswered, lifecycle_pb2.RequestStatesChanged)
_STATES_CHANGED = lifecycle_pb2.RequestStatesChanged.DESCRIPTOR.full_name


class LifecycleStream:
    """Handles batches of what intake tells of its requests."""

    def __init__(
        self, *, workflows: Workflows, refusals: Refusals, metrics: Metrics, concurrency: int
    ) -> None:
        self._workflows = workflows
        self._refusals = refusals
        self._metrics = metrics
        self._limit = asyncio.Semaphore(concurrency)

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Return when every hint has reached its workflow, or found that none runs any more."""
        # Most records are the observers' business, and are told apart before they are decoded, since
        # decoding them would cost more than all hints. So rubbish of that type is not seen here: it
        # harms nothing, and each observer must refuse it for itself.
        ours = [one for one in records if header(one.headers, "ce_type") != _STATES_CHANGED]
        self._metrics.passed_over.inc(len(records) - len(ours))
        await together(self._one(record) for record in ours)

    async def _one(self, record: ConsumerRecord) -> None:
        async with self._limit:
            try:
                message = decode_one_of(record.value, record.headers, _KINDS)
                if not isinstance(message, lifecycle_pb2.CohortAnswered):
                    return
                cohort_id = cohort_answered_from_wire(message)
                with tracing.span(
                    "take a hint",
                    parent=trace_of(record.headers),
                    kind=tracing.Kind.CONSUMER,
                    topic=record.topic,
                    cohort_id=cohort_id,
                ):
                    delivered = await self._workflows.hint(cohort_id)
            except RejectedInput as fault:
                await self._refusals.refuse(record, fault, group_id=LIFECYCLE_GROUP)
            else:
                self._metrics.hints.labels("delivered" if delivered else "finished").inc()
