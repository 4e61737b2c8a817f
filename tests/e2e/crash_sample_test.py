"""A sample of the crashes that `make chaos` goes through: at each of the eight steps of one request's way,
whoever takes it is killed, all four kinds of process among them.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from chaos.crashes import Aftermath, Crashing, Submitted, submit_surely

from support.crash_points import point
from support.loop import Loop

_VICTIMS = (
    ("accept.after", "publish.forget.before", "close.answer.before"),  # intake
    ("start.before", "open.before", "notify.after"),  # fanout
    ("acknowledge.begin.after",),  # systems
    ("record.after",),  # the verifier
)
"""Of each victim the points at which it dies, one after the other."""

_WITHIN_S = 150.0


@pytest.mark.timeout(300)
async def test_a_request_survives_a_death_at_each_step(loop: Loop, tmp_path: Path) -> None:
    paths = [[point(name) for name in names] for names in _VICTIMS]
    assert {one.step for path in paths for one in path} == set(range(1, 9))
    crashing, aftermath = Crashing(loop, tmp_path), Aftermath(loop)
    submitted = Submitted(aftermath.person())
    before = await aftermath.held(submitted.person)
    async with (
        crashing.in_place_of(victim for path in paths for victim in path[0].victims),
        loop.client() as client,
    ):
        for path in paths:
            crashing.arm(path[0])
        accepted = asyncio.create_task(submit_surely(client, submitted))
        await asyncio.gather(
            *(crashing.crashed_one_by_one(path, within=_WITHIN_S) for path in paths)
        )
        await accepted
        await aftermath.is_whole([submitted], before)
