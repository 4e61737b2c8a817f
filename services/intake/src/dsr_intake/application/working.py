"""Working through what waits: until nothing is left, then again when woken, or after a little while."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import timedelta

import structlog

from dsr_core.errors import Unavailable

__all__ = ["Working", "pause_after"]

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


def pause_after(tries: int, *, longest_s: float) -> timedelta:
    """Return how long to wait after so many tries: twice as long each time, with jitter."""
    pause: float = min(_FIRST_PAUSE_S * 2 ** min(tries - 1, 20), longest_s)
    return timedelta(seconds=pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
