"""What costs something to find out is kept for some seconds, for everybody who looks meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from dsr_core.errors import Unavailable
from dsr_intake.application.clock import Clock

__all__ = ["Kept", "Shown"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Shown(Generic[_T]):
    """What was found out, and when; and why nothing newer was, where its source is away."""

    value: _T | None
    at: datetime | None
    fault: str | None = None


class Kept(Generic[_T]):
    """Finds something out when it is asked for, at most so often, and once for all who ask at a time.

    A source that is away is not asked more often than one that answers; what it said last is shown,
    and so it is while it takes longer than whoever looks should wait.
    """

    def __init__(
        self,
        find: Callable[[], Awaitable[_T]],
        *,
        every: timedelta,
        patience: timedelta,
        clock: Clock,
    ) -> None:
        """Take what finds it out.

        Args:
            find: Finds it out, or raises Unavailable.
            every: For how long it is kept.
            patience: How long whoever looks waits for something newer.
            clock: Says the time.
        """
        self._find = find
        self._every = every
        self._patience_s = patience.total_seconds()
        self._clock = clock
        self._asked_at: datetime | None = None
        self._asking: asyncio.Task[None] | None = None
        self._shown: Shown[_T] = Shown(None, None)

    async def get(self) -> Shown[_T]:
        """Return what is known; it is found out anew where that was too long ago."""
        if self._asking is None and self._is_old():
            self._asked_at = self._clock()
            self._asking = asyncio.create_task(self._found())
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=self._patience_s)
        self._collect()
        return self._shown

    async def close(self) -> None:
        """Give up what is being found out."""
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking

    def _is_old(self) -> bool:
        return self._asked_at is None or self._clock() - self._asked_at >= self._every

    def _collect(self) -> None:
        """Let a fault of ours be seen where somebody looks."""
        asking = self._asking
        if asking is not None and asking.done():
            self._asking = None
            asking.result()

    async def _found(self) -> None:
        try:
            self._shown = Shown(await self._find(), self._clock())
        except Unavailable as fault:
            self._shown = Shown(self._shown.value, self._shown.at, str(fault))
