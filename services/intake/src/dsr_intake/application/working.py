"""Working through what waits: until nothing is left, then again when woken, or after a little while."""

from __future__ import annotations

import asyncio
import random
import traceback
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import structlog

from dsr_core.errors import Unavailable

__all__ = ["Working", "held", "pause_after", "where"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_LOOK_EVERY_S = 2.0
_FIRST_PAUSE_S = 2.0


class Working(ABC):
    """Works until it is stopped; a part that is away is logged, and ends nothing."""

    def __init__(self, *, else_say: str) -> None:
        """Take what the log says where a part is away."""
        self._else_say = else_say
        self._stopping = False
        self._waking = asyncio.Event()

    def wake(self) -> None:
        """Look for work at once: there may be some."""
        self._waking.set()

    def stop(self) -> None:
        """Ask `run` to end after what is in hand."""
        self._stopping = True
        self._waking.set()

    async def run(self) -> None:
        """Work until `stop`."""
        while not self._stopping:
            self._waking.clear()
            try:
                has_worked = bool(await self.step())
            except Unavailable as error:
                log.warning(self._else_say, error=str(error))
                has_worked = False
            if not has_worked:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._waking.wait(), _LOOK_EVERY_S)

    @abstractmethod
    async def step(self) -> int:
        """Do some of what waits; return how much that was, 0 where nothing waited."""


@asynccontextmanager
async def held(hold: Callable[[], Awaitable[None]], *, every_s: float) -> AsyncIterator[None]:
    """Have a claim last until the end of this; nothing of it is written after that."""

    async def go_on() -> None:
        while True:
            await asyncio.sleep(every_s)
            with suppress(Unavailable):
                await hold()

    holding = asyncio.create_task(go_on())
    try:
        yield
    finally:
        holding.cancel()
        await asyncio.wait([holding])


def pause_after(tries: int, *, longest_s: float) -> timedelta:
    """Return how long to wait after so many tries: twice as long each time, with jitter."""
    pause: float = min(_FIRST_PAUSE_S * 2 ** min(tries - 1, 20), longest_s)
    return timedelta(seconds=pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret


def where(error: Exception) -> str:
    """Return what a fault is and where it was raised, for the log; never what it says."""
    [*_, last] = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
