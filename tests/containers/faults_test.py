"""Containers are killed, paused and cut off while requests come in: none is lost, none closed falsely."""

from __future__ import annotations

import pytest

from support.container_loop import SERVICES, ContainerLoop
from support.waiting import eventually

PARTS = ("kafka", "temporal", "postgresql")


@pytest.mark.parametrize("name", [*SERVICES, *PARTS, "newsletter"])
async def test_what_is_killed_goes_on_where_it_was(loop: ContainerLoop, name: str) -> None:
    async with loop.load() as load:
        await eventually(lambda: len(load.ids) >= 10, within=60, what="load")
        container = loop.only(name).get_wrapped_container()
        container.kill()
        container.start()
        before = len(load.ids)
        await eventually(lambda: len(load.ids) >= before + 10, within=60, what="load goes on")


@pytest.mark.parametrize("name", ["fanout", "verifier"])
async def test_one_that_is_paused_loses_its_work_to_another_and_spoils_nothing_when_it_wakes(
    loop: ContainerLoop, name: str
) -> None:
    paused = loop.only(name)
    loop.start(name)
    await loop.ready(name)
    async with loop.load() as load:
        await eventually(lambda: len(load.ids) >= 10, within=60, what="load")
        paused.get_wrapped_container().pause()
        try:
            while_paused = [await loop.submit() for _ in range(10)]
            await loop.ledger.answered(while_paused)
        finally:
            paused.get_wrapped_container().unpause()
        before = len(load.ids)
        await eventually(lambda: len(load.ids) >= before + 10, within=60, what="load goes on")
    assert await loop.replaced(name, paused) == 0


@pytest.mark.parametrize("name", ["fanout", "verifier", "kafka"])
async def test_one_that_is_cut_off_the_network_goes_on_when_it_is_back(
    loop: ContainerLoop, name: str
) -> None:
    async with loop.load() as load:
        await eventually(lambda: len(load.ids) >= 10, within=60, what="load")
        loop.composed.cut(loop.only(name))
        try:
            meanwhile = [await loop.submit() for _ in range(10)]
            assert await loop.ledger.closed(meanwhile) == 0
        finally:
            loop.composed.join(loop.only(name), name)
        # What was on its way when it was cut waits for its time limit.
        await loop.ledger.answered(meanwhile, within=180)
