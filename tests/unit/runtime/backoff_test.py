"""Back-off: each pause is longer than the one before, up to the longest; an event ends it."""

from __future__ import annotations

import asyncio

from dsr_runtime.backoff import Backoff


async def test_pauses_grow_to_the_longest() -> None:
    backoff = Backoff(first=0.0001, longest=0.0004)
    lengths = []
    for _ in range(4):
        lengths.append(backoff._next)
        assert await backoff.wait() is False
    assert lengths == [0.0001, 0.0002, 0.0004, 0.0004]


async def test_a_pause_lasts_its_time_when_nothing_ends_it() -> None:
    assert await Backoff(first=0.001).wait(unless=asyncio.Event()) is False


async def test_an_event_ends_the_pause_at_once() -> None:
    stopping = asyncio.Event()
    waiting = asyncio.create_task(Backoff(first=3600, longest=3600).wait(unless=stopping))
    stopping.set()
    assert await waiting is True
