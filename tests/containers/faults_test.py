"""Containers are killed, paused and cut off while requests come in: none is lost, none closed falsely."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
    async with loop.beside(name) as paused:
        async with loop.load() as load:
            await eventually(lambda: len(load.ids) >= 10, within=60, what="load")
            paused.get_wrapped_container().pause()
            try:
                while_paused = [await loop.submit() for _ in range(10)]
                # What it has in hand waits for its time limit.
                await loop.ledger.answered(while_paused, within=240)
            finally:
                paused.get_wrapped_container().unpause()
            before = len(load.ids)
            await eventually(lambda: len(load.ids) >= before + 10, within=60, what="load goes on")
        assert await loop.replaced(name, paused) == 0


@pytest.mark.parametrize(
    ("name", "witness", "part"),
    [
        ("fanout", "fanout", "kafka"),
        ("verifier", "verifier", "kafka"),
        ("kafka", "intake", "kafka"),
        ("temporal", "fanout", "temporal"),
    ],
)
async def test_one_that_is_cut_off_the_network_goes_on_when_it_is_back(
    loop: ContainerLoop, name: str, witness: str, part: str
) -> None:
    async def last_is_gone() -> bool:
        return not await loop.holding(loop.last)

    async with loop.load(within=240) as load:
        await eventually(lambda: len(load.ids) >= 10, within=60, what="load")
        async with cut_off(loop, name, witness, part):
            meanwhile = [await loop.submit() for _ in range(10)]
            before = len(load.ids)
            await eventually(lambda: len(load.ids) >= before + 10, within=60, what="load goes on")
            if name == "verifier":
                # All that it would close them by has happened.
                await eventually(last_is_gone, within=60, what="erasure by every system")
            assert await loop.ledger.closed(meanwhile) == 0
        before = len(load.ids)
        await eventually(lambda: len(load.ids) >= before + 10, within=60, what="load goes on")
    # Of the load as well: what was on its way when it was cut waits for its time limit.
    await loop.ledger.answered(meanwhile)


async def test_nothing_is_accepted_while_postgresql_is_cut_off_and_all_goes_on_when_it_is_back(
    loop: ContainerLoop,
) -> None:
    async with loop.load() as load:
        await eventually(lambda: len(load.ids) >= 10, within=60, what="load")
        async with cut_off(loop, "postgresql", "intake", "postgresql"):
            before = len(load.ids)
            await eventually(
                lambda: load.refused.count(503) >= 5, within=90, what="calls that are refused"
            )
            assert len(load.ids) == before
            # The one that was on its way when it was cut may have given up first.
            assert set(load.refused) <= {503, "ReadTimeout"}
        await eventually(lambda: len(load.ids) >= before + 10, within=60, what="load goes on")


@asynccontextmanager
async def cut_off(loop: ContainerLoop, name: str, witness: str, part: str) -> AsyncIterator[None]:
    """Cut one off; a witness misses the part from before the block until after it, and no sooner."""

    async def nothing_is_missed() -> bool:
        return not await loop.faults(witness)

    async def part_is_missed() -> bool:
        return part in await loop.faults(witness)

    await eventually(nothing_is_missed, within=90, what=f"readiness of {witness}")
    loop.composed.cut(loop.only(name))
    try:
        await eventually(part_is_missed, within=30, what=f"{witness} without {part}")
        yield
        assert await part_is_missed()
    finally:
        loop.composed.join(loop.only(name), name)
