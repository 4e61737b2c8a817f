"""A lane: the events of one topic, handed on in micro-batches, acknowledged once they are durable.

Faust's `take` acknowledges what was lost, and its `noack_take` wakes up at every `within` and lets a
lone event wait as long. A lane takes whatever has come while the last micro-batch was committed and
while it rested: a lone event goes at once, and under load the batches grow by themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import Any

import structlog

from dsr_runtime.pace import Pace
from dsr_verifier.ports import Received
from dsr_verifier.streams.handling import Abandoned, Handling

__all__ = ["Lane"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_BY_BROKER = 1
"""Kafka's timestamp type LogAppendTime."""


class Lane:
    """Takes events from a Faust stream in order, and acknowledges them in order.

    The order matters: Faust commits past an event that is not acknowledged, if it is the first of
    its partition since the last commit and a later one is.
    """

    def __init__(self, handling: Handling, *, max_records: int, max_bytes: int) -> None:
        self.handling = handling
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._events: deque[tuple[Any, Received]] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._taken = asyncio.Event()
        self._pace = Pace()
        self._stopping = False

    async def consume(self, stream: Any) -> None:
        """Queue a stream's events; the Faust agent. Nothing in here acknowledges."""
        async for event in stream.noack().events():
            received = _received(event.message)
            self._events.append((event, received))
            self._bytes += _size(received)
            self._filled.set()
            while len(self._events) >= 2 * self._max_records or self._bytes >= 2 * self._max_bytes:
                self._taken.clear()
                await self._taken.wait()

    async def run(self) -> None:
        """Hand micro-batches on until `stop`; the one in hand is finished, if its parts are up."""
        while True:
            await self._filled.wait()
            if self._stopping:
                return
            batch, size = self._take()
            try:
                await self.handling.handle([received for _, received in batch])
            except Abandoned:
                log.info("a micro-batch is left for later", count=len(batch))
                return
            for event, _ in batch:
                event.ack()
            await self._pace.rest(size)

    def stop(self) -> None:
        """Ask `run` to end. What is queued is not acknowledged, and comes again."""
        self._stopping = True
        self._filled.set()
        self.handling.stop()

    def _take(self) -> tuple[list[tuple[Any, Received]], int]:
        batch: list[tuple[Any, Received]] = []
        size = 0
        while self._events and len(batch) < self._max_records and size < self._max_bytes:
            batch.append(self._events.popleft())
            size += _size(batch[-1][1])
        self._bytes -= size
        if not self._events:
            self._filled.clear()
        self._taken.set()
        return batch, size


def _size(received: Received) -> int:
    return len(received.value or b"")


def _received(message: Any) -> Received:
    headers = tuple((name, value or b"") for name, value in message.headers or ())
    # What a producer says of the time proves nothing: one with a stolen key would date its answer back.
    is_brokers = message.timestamp_type == _BY_BROKER
    return Received(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        headers,
        datetime.fromtimestamp(message.timestamp, UTC) if is_brokers else datetime.now(UTC),
    )
