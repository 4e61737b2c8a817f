"""A rolling upgrade: each container makes room for another, under load, and nobody notices."""

from __future__ import annotations

import time

from support.container_loop import SERVICES, ContainerLoop
from support.waiting import eventually

_DRAINED_S = 20.0


async def test_each_service_is_replaced_under_load_and_no_caller_is_refused(
    loop: ContainerLoop,
) -> None:
    async with loop.load() as load:
        for name in SERVICES:
            old = loop.only(name)
            loop.start(name)
            await loop.ready(name)
            begun = time.monotonic()
            assert await loop.replaced(name, old) == 0
            assert time.monotonic() - begun < _DRAINED_S
            before = len(load.ids)
            await eventually(lambda n=before: len(load.ids) >= n + 10, within=60, what="load")
    assert load.answers == []
