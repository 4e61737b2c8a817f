"""dsr.commands.v1: what a person decided about one request reaches its workflow, or finds that none runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from aiokafka import ConsumerRecord

from dsr_contracts.v1 import commands_pb2
from dsr_core import tracing
from dsr_core.errors import RejectedInput
from dsr_fanout.application.commanding import Commanding
from dsr_fanout.metrics import Metrics
from dsr_fanout.streams.refusals import Refusals
from dsr_fanout.streams.together import together
from dsr_wire.codec.commands import command_from_wire
from dsr_wire.envelope import decode, trace_of

__all__ = ["COMMANDS_GROUP", "CommandsStream"]

COMMANDS_GROUP = "dsr.fanout.commands"


class CommandsStream:
    """Handles batches of commands; the same batch again changes nothing."""

    def __init__(
        self,
        *,
        commanding: Commanding,
        refusals: Refusals,
        metrics: Metrics,
        now: Callable[[], datetime],
        concurrency: int,
    ) -> None:
        self._commanding = commanding
        self._refusals = refusals
        self._metrics = metrics
        self._now = now
        self._limit = asyncio.Semaphore(concurrency)

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Return when every command has reached its workflow, or its request has ended.

        Those of one key go one after the other, so that none overtakes another.
        """
        by_key: dict[bytes | None, list[ConsumerRecord]] = {}
        for record in records:
            by_key.setdefault(record.key, []).append(record)
        await together(self._in_order(one) for one in by_key.values())

    async def _in_order(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            await self._one(record)

    async def _one(self, record: ConsumerRecord) -> None:
        async with self._limit:
            try:
                message = decode(record.value, record.headers, commands_pb2.SubjectRequestCommand)
                command, given = command_from_wire(message), trace_of(record.headers)
                with tracing.span(
                    "take a command",
                    parent=given,
                    kind=tracing.Kind.CONSUMER,
                    topic=record.topic,
                    cohort_id=command.cohort_id,
                    request_id=command.request_id,
                ):
                    outcome = await self._commanding.follow(
                        command, traceparent=tracing.current() or given, at=self._now()
                    )
            except RejectedInput as fault:
                await self._refusals.refuse(record, fault, group_id=COMMANDS_GROUP)
            else:
                self._metrics.commands.labels(outcome.value).inc()
