"""A process is killed just before and just after each durable write of the loop, and nothing shows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from chaos.crashes import Aftermath, Crashing, Submitted, submit_surely

from support.crashing import POINTS, CrashPoint
from support.loop import Loop

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


@pytest_asyncio.fixture(scope="module")
async def crashing(loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crashing]:
    """The processes that crash, for the whole module."""
    variants = Crashing(loop, tmp_path_factory.mktemp("crash"))
    async with variants.in_place_of(one for point in POINTS for one in point.victims):
        yield variants


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point.step}-{point.name}")
async def test_a_crash_there_loses_nothing_and_doubles_nothing(
    loop: Loop, crashing: Crashing, aftermath: Aftermath, point: CrashPoint
) -> None:
    submitted = Submitted(aftermath.person())
    before = await aftermath.held(submitted.person)
    crashing.arm(point)
    async with loop.client() as client:
        accepted = asyncio.create_task(submit_surely(client, submitted))
        await crashing.crashed(point)
        await accepted
    await aftermath.is_whole([submitted], before)
