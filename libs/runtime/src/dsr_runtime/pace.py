"""Pace: a consumer under load rests between small batches, so that the next one is larger.

What a batch costs hardly depends on its size: a transaction, a send, a commit of offsets. A consumer
that takes each record as it comes pays that for every one. A lone record still goes at once, since
only a batch that follows another closely is followed by a rest.
"""

from __future__ import annotations

import asyncio
import time

__all__ = ["Pace"]

_REST_S = 0.05
_CLOSELY_S = 0.15
_LARGE = 200


class Pace:
    """The rests of one consumer."""

    def __init__(self) -> None:
        self._last = float("-inf")

    async def rest(self, count: int) -> None:
        """Return at once after a large batch, or one that came alone; else after 50 ms.

        Args:
            count: How many records the batch had that has just been made durable.
        """
        now = time.monotonic()
        closely = now - self._last < _CLOSELY_S
        self._last = now
        if closely and count < _LARGE:
            await asyncio.sleep(_REST_S)
            self._last = time.monotonic()
