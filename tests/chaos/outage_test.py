"""A part is away for half a minute under load: nothing is lost, and everyone recovers without help."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
from chaos.crashes import Aftermath, Submitted, submit_surely

from dsr_cli.stack import Stack
from support.loop import Loop
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

AWAY_S = 30.0
EVERY_S = 0.3
RESTARTS = 12
PARTS = ("kafka", "temporal", "postgres")

SAID_BY = {
    "kafka": ("intake", "fanout", "verifier"),
    "temporal": ("fanout",),
    "postgres": ("intake", "verifier"),
}
"""Which services need a part."""

SAID_AS = {"kafka": "kafka", "temporal": "temporal", "postgres": "postgresql"}
"""How `/readyz` calls it."""


class Load:
    """Requests in a steady stream, each tried until it is accepted."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._stopping = asyncio.Event()
        self.submitted: list[Submitted] = []

    async def run(self) -> None:
        """Submit until `stop`; return when everything has been accepted."""
        async with self._loop.client() as client, asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                one = Submitted(self._loop.person())
                self.submitted.append(one)
                group.create_task(submit_surely(client, one))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), EVERY_S)

    def stop(self) -> None:
        """Submit no more."""
        self._stopping.set()


class Readiness:
    """What the services say of the parts that they need."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        settings = stack.settings
        self._http = http
        self._urls = {
            "intake": settings.intake_url,
            "fanout": settings.fanout_url,
            "verifier": settings.verifier_url,
        }
        self.said: defaultdict[str, set[str]] = defaultdict(set)

    async def look(self) -> bool:
        """Note what is said now; true when every service is ready."""
        return all(await asyncio.gather(*map(self._ask, self._urls)))

    async def _ask(self, service: str) -> bool:
        answer = await self._http.get(f"{self._urls[service]}/readyz")
        self.said[service].update(answer.json()["faults"])
        return answer.status_code == httpx.codes.OK


def _pids(stack: Stack) -> dict[str, int | None]:
    return {name: stack.pid(name) for name in stack.names if name not in {*PARTS, "prometheus"}}


@pytest.mark.parametrize("end", [Stack.stop, Stack.kill], ids=["stopped", "killed"])
@pytest.mark.parametrize("part", PARTS)
async def test_a_part_away_under_load_loses_nothing_and_is_named(
    loop: Loop, aftermath: Aftermath, part: str, end: Callable[[Stack, str], None]
) -> None:
    pids, before = _pids(loop.stack), await aftermath.held()
    load = Load(loop)
    loading = asyncio.create_task(load.run())
    async with httpx.AsyncClient(timeout=10) as http:
        readiness = Readiness(loop.stack, http)
        await eventually(lambda: len(load.submitted) > 10, what="the load is there")
        assert await readiness.look()
        await asyncio.to_thread(end, loop.stack, part)
        gone_at = time.monotonic()

        async def is_over() -> bool:
            await readiness.look()
            return time.monotonic() - gone_at >= AWAY_S

        await eventually(is_over, within=2 * AWAY_S)
        await asyncio.to_thread(loop.stack.start, part)
        await eventually(readiness.look, within=120, what="every service is ready again")
    load.stop()
    await loading
    for service in SAID_BY[part]:
        assert SAID_AS[part] in readiness.said[service]
    await aftermath.is_whole(load.submitted, before, within=180)
    assert _pids(loop.stack) == pids


async def test_a_database_that_restarts_again_and_again_ends_no_process(
    loop: Loop, aftermath: Aftermath
) -> None:
    pids, before = _pids(loop.stack), await aftermath.held()
    load = Load(loop)
    loading = asyncio.create_task(load.run())
    for restarts in range(1, RESTARTS + 1):

        def has_come_on(count: int = 8 * restarts) -> bool:
            return len(load.submitted) > count

        await eventually(has_come_on, within=60, what="the load goes on")
        await asyncio.to_thread(loop.stack.restart, "postgres")
        assert _pids(loop.stack) == pids
    load.stop()
    await loading
    await aftermath.is_whole(load.submitted, before, within=180)
    assert _pids(loop.stack) == pids
