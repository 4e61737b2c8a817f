"""Handling: a micro-batch is tried until it is durable. One of three places where errors are mapped.

Unavailable is tried again in place; RejectedInput becomes a dead letter, awaited; anything else is a
fault of the code, and the process leaves at once, before Faust can acknowledge what was lost.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import structlog

from dsr_core import tracing
from dsr_core.errors import RejectedInput, Unavailable
from dsr_runtime.backoff import Backoff
from dsr_verifier.application.tally import Tally
from dsr_verifier.metrics import Metrics
from dsr_verifier.ports import DeadLetters, Received, Refusal
from dsr_wire.envelope import trace_of

__all__ = ["Abandoned", "Handling", "leave_at_once"]

_T = TypeVar("_T")

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Take = Callable[[Sequence[Received]], Awaitable[Tally]]
"""What the application does with records."""


class Abandoned(Exception):  # noqa: N818 - nothing has gone wrong
    """The process stops before the micro-batch was durable: it will be given again."""


def leave_at_once() -> None:
    """End the process without acknowledging anything; whoever supervises it starts it again."""
    os._exit(1)


class Handling:
    """Makes one topic's micro-batches durable."""

    def __init__(
        self,
        topic: str,
        take: Take,
        *,
        dead_letters: DeadLetters,
        metrics: Metrics,
        after: Callable[[Tally], None],
        leave: Callable[[], None] = leave_at_once,
    ) -> None:
        self._topic = topic
        self._take = take
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._after = after
        self._leave = leave
        self._stopping = asyncio.Event()
        self.fault: str | None = None
        """Why nothing goes on; none while it does."""

    def stop(self) -> None:
        """Give up what is being tried again."""
        self._stopping.set()

    async def handle(self, records: Sequence[Received]) -> None:
        """Return when all that these records say is durable, in the ledger or as dead letters.

        Raises:
            Abandoned: The process is stopping; nothing of this may be acknowledged.
        """
        started = time.perf_counter()
        try:
            with tracing.together(
                "take records",
                [trace_of(one.headers) if tracing.is_on() else None for one in records],
                kind=tracing.Kind.CONSUMER,
                topic=self._topic,
            ) as spans:
                await self._until_durable(_in_spans(records, spans))
        except (Abandoned, asyncio.CancelledError):
            raise
        except Exception:
            log.critical("a fault that no retry mends", topic=self._topic, exc_info=True)
            self._leave()
            raise
        self._metrics.batch_records.labels(self._topic).observe(len(records))
        self._metrics.batch_seconds.labels(self._topic).observe(time.perf_counter() - started)

    async def _until_durable(self, records: Sequence[Received]) -> None:
        try:
            tally = await self._tried(lambda: self._take(records))
        except RejectedInput as fault:
            if len(records) > 1:
                # One of them cannot be stored, and takes the others' transaction with it.
                middle = len(records) // 2
                await self._until_durable(records[:middle])
                await self._until_durable(records[middle:])
                return
            tally = Tally(refusals=[Refusal(records[0], fault)])
        if tally.refusals:
            await self._tried(lambda: self._dead_letters.bury(tally.refusals))
        self._metrics.count(tally)
        self._after(tally)

    async def _tried(self, step: Callable[[], Awaitable[_T]]) -> _T:
        backoff = Backoff()
        while True:
            try:
                result = await step()
            except Unavailable as error:
                self.fault = f"{self._topic} waits: {error}"
                self._metrics.retries.labels(self._topic).inc()
                log.warning("a part is away", topic=self._topic, error=str(error))
                if await backoff.wait(self._stopping):
                    raise Abandoned from error
            else:
                self.fault = None
                return result


def _in_spans(records: Sequence[Received], spans: Sequence[str | None]) -> Sequence[Received]:
    if not any(spans):
        return records
    return [
        received if span is None else replace(received, span=span)
        for received, span in zip(records, spans, strict=True)
    ]
