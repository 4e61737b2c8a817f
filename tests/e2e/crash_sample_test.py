"""A sample of the crashes that `make chaos` goes through: three steps of one request's way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from chaos.crashes import Aftermath, Crashing, Submitted, submit_surely

from support.crashing import point
from support.loop import Loop


@pytest.mark.timeout(300)
async def test_a_request_survives_the_death_of_each_service(loop: Loop, tmp_path: Path) -> None:
    points = [point(name) for name in ("accept.after", "notify.after", "record.after")]
    crashing, aftermath = Crashing(loop, tmp_path), Aftermath(loop)
    submitted = Submitted(aftermath.person())
    before = await aftermath.held(submitted.person)
    async with (
        crashing.in_place_of(victim for one in points for victim in one.victims),
        loop.client() as client,
    ):
        for one in points:
            crashing.arm(one)
        accepted = asyncio.create_task(submit_surely(client, submitted))
        await asyncio.gather(*map(crashing.crashed, points))
        await accepted
        await aftermath.is_whole([submitted], before)
