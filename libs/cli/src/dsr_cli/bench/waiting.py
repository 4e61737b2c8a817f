"""Waiting until a count is reached, for as long as it grows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from dsr_cli.bench.progress import Progress, ignore

__all__ = ["wait_for_count"]

_STALL_S = 60.0
_DOUBT_S = 2.0


async def wait_for_count(
    count: Callable[[], Awaitable[int]],
    target: int,
    *,
    interval: float,
    on_count: Progress = ignore,
    check: Callable[[], None] = lambda: None,
    stall: float = _STALL_S,
) -> int:
    """Return the count once it has reached the target, or has not grown for a while.

    Args:
        count: Asked again and again.
        target: Where to stop.
        interval: Seconds between two questions.
        on_count: Told each answer.
        check: Called when the count has not grown for seconds; raises if it is bound to stay so.
        stall: After how many seconds without growth to give up.
    """
    last = -1
    grown_at = doubted_at = time.monotonic()
    while True:
        found = await count()
        on_count(found)
        if found >= target:
            return found
        if found > last:
            last = found
            grown_at = doubted_at = time.monotonic()
        elif time.monotonic() - grown_at > stall:
            return found
        elif time.monotonic() - doubted_at > _DOUBT_S:
            check()
            doubted_at = time.monotonic()
        await asyncio.sleep(interval)
