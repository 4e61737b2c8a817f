"""Reads dsr.escalations.v1: whoever is called for is told by mail, at least once."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from aiokafka import ConsumerRecord

from dsr_contracts.v1 import escalations_pb2
from dsr_core.errors import RejectedInput
from dsr_intake.application.clock import Clock
from dsr_intake.application.forming import SOURCE
from dsr_intake.application.letters.escalating import Escalating
from dsr_intake.metrics import Metrics
from dsr_intake.ports import MailRefused
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.escalations import Escalation, escalation_from_wire
from dsr_wire.dead_letters import bury_record
from dsr_wire.envelope import decode

__all__ = ["GROUP", "EscalationStream"]

log = structlog.get_logger(__name__)

GROUP = "dsr.intake.escalations"


class EscalationStream:
    """Handles batches of records; the same batch again sends the same messages."""

    def __init__(
        self, *, escalating: Escalating, publisher: Publisher, metrics: Metrics, clock: Clock
    ) -> None:
        self._escalating = escalating
        self._publisher = publisher
        self._metrics = metrics
        self._clock = clock

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Mail what the records call for, and dead-letter those that cannot be read."""
        for record in records:
            try:
                message = decode(record.value, record.headers, escalations_pb2.Escalation)
                one = escalation_from_wire(message)
            except RejectedInput as fault:
                await self._publisher.publish(
                    [bury_record(record, fault=fault, refused_by=SOURCE, at=self._clock())]
                )
                self._metrics.dead_letters.labels(fault.reason).inc()
                log.warning(
                    "an escalation is dead-lettered", offset=record.offset, reason=fault.reason
                )
            else:
                await self._tell(one)

    async def _tell(self, one: Escalation) -> None:
        for mail in self._escalating.mails(one):
            result = "sent"
            try:
                await self._escalating.send(mail)
            except MailRefused as fault:
                # The record of the escalation stays on its topic; nobody waits for this mail.
                result = "refused"
                log.warning(
                    "an escalation was not taken",
                    cohort_id=one.cohort_id,
                    action=one.action,
                    reason=fault.reason,
                )
            self._metrics.escalations.labels(one.action, result).inc()
