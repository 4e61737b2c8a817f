"""What is done the more seldom the longer it takes: a count of what grows may cost little for ever."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

__all__ = ["Seldom"]

_SHARE = 0.02
"""The part of the time that it may take."""


class Seldom:
    """Lets work pass if enough time has gone by since it was done last."""

    def __init__(
        self,
        work: Callable[[], Awaitable[None]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._monotonic = monotonic
        self._not_before = 0.0

    async def turn(self) -> None:
        """Do the work, or nothing where that was done a short while ago for the time that it takes."""
        begun = self._monotonic()
        if begun < self._not_before:
            return
        await self._work()
        ended = self._monotonic()
        self._not_before = ended + (ended - begun) / _SHARE
