"""Processes are killed at random moments under the load of the batch call; each starts again, and all is done once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import httpx
import pytest
from chaos.crashes import TRY_AGAIN, Aftermath, Submitted

from dsr_cli.api.client import ApiError
from dsr_cli.demo.people import submission
from dsr_cli.group.systems import process_name
from support.crash_points import SYSTEMS
from support.loop import Loop
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

SEED = 20_200_701
BATCHES, LINES = 6, 40
VICTIMS = ("intake", "fanout", "verifier", *map(process_name, SYSTEMS))


async def _accept(loop: Loop, batch: Sequence[Submitted]) -> None:
    """Send a batch as a client does: whole, with the same keys, until every line is accepted."""
    lines = [{**submission(one.person), "idempotency_key": one.key} for one in batch]

    async def all_accepted() -> bool:
        try:
            async with loop.client() as client:
                results = [one async for one in client.submit_batch(lines)]
        except ApiError as error:
            if error.status in TRY_AGAIN:
                return False
            raise
        except httpx.HTTPError:  # while it read the answer
            return False
        for one, result in zip(batch, results, strict=False):
            one.request_id = result.get("id", "")
        return [result["status"] for result in results] == [202] * len(lines)

    await eventually(all_accepted, within=180, what="intake accepts the batch")


async def test_kills_at_random_moments_lose_nothing_and_double_nothing(
    loop: Loop, aftermath: Aftermath
) -> None:
    print(f"seed {SEED}")  # noqa: T201 - shown when it fails
    draw = random.Random(SEED)
    before = await aftermath.held()
    batches = [[Submitted(loop.person()) for _ in range(LINES)] for _ in range(BATCHES)]
    everything = [one for batch in batches for one in batch]
    (start,) = await loop.query("select count(*) as n from verifier.acknowledgements")

    async def submit_all() -> None:
        for batch in batches:
            await _accept(loop, batch)

    async def has_come_to(answers: int) -> bool:
        (row,) = await loop.query("select count(*) as n from verifier.acknowledgements")
        return bool(row["n"] - start["n"] >= answers)

    submitting = asyncio.create_task(submit_all())
    victims = draw.sample(VICTIMS, len(VICTIMS)) + draw.sample(VICTIMS, len(VICTIMS))
    # Each has known of 15 systems; some answer more than once.
    moments = sorted(draw.randrange(15 * len(everything)) for _ in victims)
    for victim, moment in zip(victims, moments, strict=True):

        async def is_due(answers: int = moment) -> bool:
            return await has_come_to(answers)

        await eventually(is_due, within=180, what=f"{moment} answers are recorded")
        await asyncio.to_thread(loop.stack.kill, victim)
        await asyncio.to_thread(loop.stack.start, victim)
    await submitting
    await aftermath.is_whole(everything, before, within=180)
