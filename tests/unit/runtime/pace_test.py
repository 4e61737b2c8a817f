"""A consumer rests under load, and never before a lone record."""

from __future__ import annotations

import time

from dsr_runtime.pace import Pace


async def _rested(pace: Pace, size: int) -> bool:
    began = time.monotonic()
    await pace.rest(size)
    return time.monotonic() - began > 0.04


async def test_a_lone_batch_is_not_followed_by_a_rest() -> None:
    assert not await _rested(Pace(), 300)


async def test_a_small_batch_that_follows_closely_is() -> None:
    pace = Pace()
    await pace.rest(300)
    assert await _rested(pace, 300)
    assert await _rested(pace, 300)


async def test_a_large_batch_never_is() -> None:
    pace = Pace()
    await pace.rest(300)
    assert not await _rested(pace, 64 * 1024)
