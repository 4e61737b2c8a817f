"""Waiting between tries, longer each time, with jitter."""

from __future__ import annotations

import asyncio
import random

__all__ = ["Backoff"]


class Backoff:
    """A pause that doubles from a tenth of a second to five seconds; make one per run of tries."""

    def __init__(self, first: float = 0.1, longest: float = 5.0) -> None:
        self._next = first
        self._longest = longest

    async def wait(self, unless: asyncio.Event | None = None) -> bool:
        """Pause; return at once, and true, when the event is set."""
        delay = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
        self._next = min(self._next * 2, self._longest)
        if unless is None:
            await asyncio.sleep(delay)
            return False
        try:
            await asyncio.wait_for(unless.wait(), delay)
        except TimeoutError:
            return False
        return True
