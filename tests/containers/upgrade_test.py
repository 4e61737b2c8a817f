"""A rolling upgrade: each container makes room for another, under load, and nobody notices."""

from __future__ import annotations

import time

import pytest

from support.container_loop import ContainerLoop
from support.waiting import eventually

_DRAINED_S = 20.0


@pytest.mark.parametrize(
    ("name", "callers", "pace_s"),
    # Some call is always on its way to the intake that is told to end.
    [("intake", 4, 0.0), ("fanout", 1, 0.15), ("verifier", 1, 0.15)],
)
async def test_each_service_is_replaced_under_load_and_no_caller_is_refused(
    loop: ContainerLoop, name: str, callers: int, pace_s: float
) -> None:
    async with loop.beside(name) as old, loop.load(callers=callers, pace_s=pace_s) as load:
        await eventually(lambda: len(load.ids) >= 10, within=60, what="load")
        begun = time.monotonic()
        assert await loop.replaced(name, old) == 0
        assert time.monotonic() - begun < _DRAINED_S
        before = len(load.ids)
        await eventually(lambda: len(load.ids) >= before + 10, within=60, what="load goes on")
    assert load.refused == []
    # Whoever called the old intake did so until it let nobody in.
    assert load.left == ([old] if name == "intake" else [])
