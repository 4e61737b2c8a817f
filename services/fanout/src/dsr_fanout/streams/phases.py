"""dsr.phases.v1: that a phase is confirmed is a hint for its workflow. Nothing here is believed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import ConsumerRecord

from dsr_contracts.v1 import phases_pb2
from dsr_core.errors import RejectedInput
from dsr_fanout.metrics import Metrics
from dsr_fanout.ports import Workflows
from dsr_fanout.streams.refusals import Refusals
from dsr_fanout.streams.together import together
from dsr_wire.codec.phases import phase_confirmed_from_wire
from dsr_wire.envelope import decode

__all__ = ["PHASES_GROUP", "PhasesStream"]

PHASES_GROUP = "dsr.fanout.phases"


class PhasesStream:
    """Handles batches of what the verifier tells of phases."""

    def __init__(
        self, *, workflows: Workflows, refusals: Refusals, metrics: Metrics, concurrency: int
    ) -> None:
        self._workflows = workflows
        self._refusals = refusals
        self._metrics = metrics
        self._limit = asyncio.Semaphore(concurrency)

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Return when every hint has reached its workflow, or found that none runs any more."""
        await together(self._one(record) for record in records)

    async def _one(self, record: ConsumerRecord) -> None:
        async with self._limit:
            try:
                message = decode(record.value, record.headers, phases_pb2.PhaseConfirmed)
                cohort_id = phase_confirmed_from_wire(message).cohort_id
                delivered = await self._workflows.phase_confirmed(cohort_id)
            except RejectedInput as fault:
                await self._refusals.refuse(record, fault, group_id=PHASES_GROUP)
            else:
                self._metrics.phases.labels("delivered" if delivered else "finished").inc()
