"""Repeating: what a process does now and then, until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from dsr_core.errors import Unavailable
from dsr_runtime.process import Process

__all__ = ["Repeating", "repeat", "tried"]

log = structlog.get_logger(__name__)


def repeat(
    process: Process, every_s: float, work: Callable[[], Awaitable[None]], *, turn: int
) -> None:
    """Have a process do something now and then, from now until its turn to stop comes."""
    repeating = Repeating(every_s, work)
    process.spawn(repeating.run(), stop=repeating.stop, turn=turn)


async def tried(work: Callable[[], Awaitable[object]], *, else_say: str) -> None:
    """Do something; where PostgreSQL, Kafka or another part is away, log that it is done later."""
    try:
        await work()
    except (Unavailable, asyncpg.PostgresError, KafkaError, OSError) as error:
        log.warning(else_say, error=type(error).__name__)


class Repeating:
    """Does something now and then."""

    def __init__(self, every_s: float, work: Callable[[], Awaitable[None]]) -> None:
        self._every_s = every_s
        self._work = work
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Do it until `stop`."""
        while not self._stopping.is_set():
            await self._work()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._every_s)

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()
