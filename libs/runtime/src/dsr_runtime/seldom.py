"""What is done the more seldom the longer it takes: a count of what grows may cost little for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from dsr_core.errors import Unavailable
from dsr_runtime.giving_up import unless

__all__ = ["Seldom"]

log = structlog.get_logger(__name__)

_SHARE = 0.02
"""The part of the time that it may take."""


class Seldom:
    """Does work now and then, and rests for fifty times as long as it took; after a failed try too."""

    def __init__(
        self,
        work: Callable[[], Awaitable[None]],
        *,
        every_s: float,
        else_say: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the work.

        Args:
            work: What is done; that a part is away is logged, and ends nothing.
            every_s: The shortest rest.
            else_say: What the log says then.
            monotonic: A clock for durations.
        """
        self._work = work
        self._every_s = every_s
        self._else_say = else_say
        self._monotonic = monotonic
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Do it until `stop`; what is in hand then is given up."""
        await unless(self._stopping, self._turns())

    async def _turns(self) -> None:
        while True:  # noqa: ASYNC110 - it rests, and waits for nothing
            await asyncio.sleep(await self.turn())

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    async def turn(self) -> float:
        """Do it once, and return for how long to rest."""
        begun = self._monotonic()
        try:
            await self._work()
        except Unavailable as error:
            log.warning(self._else_say, error=str(error))
        return max((self._monotonic() - begun) / _SHARE, self._every_s)
