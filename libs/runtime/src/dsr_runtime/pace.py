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
_LARGE = 64 * 1024
"""Bytes; some hundred records of one request each, or a few of many requests."""


class Pace:
    """The rests of one consumer."""

    def __init__(self) -> None:
        self._last = float("-inf")

    async def rest(self, size: int) -> None:
        """Return at once after a large batch, or one that came alone; else after 50 ms.

        Args:
            size: The bytes of the batch that has just been made durable. Records are no measure,
                since one may stand for hundreds of requests.
        """
        now = time.monotonic()
        closely = now - self._last < _CLOSELY_S
        self._last = now
        if closely and size < _LARGE:
            await asyncio.sleep(_REST_S)
            self._last = time.monotonic()
