"""Repeating: what a process does now and then, until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from dsr_runtime.process import Process

__all__ = ["Repeating", "repeat"]


def repeat(
    process: Process, every_s: float, work: Callable[[], Awaitable[None]], *, turn: int
) -> None:
    """Have a process do something now and then, from now until its turn to stop comes."""
    repeating = Repeating(every_s, work)
    process.spawn(repeating.run(), stop=repeating.stop, turn=turn)


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
