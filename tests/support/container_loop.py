"""The whole loop in containers: what a test asks of it, and load that goes on while containers come and go."""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx
from testcontainers.core.container import DockerContainer

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import Internal
from dsr_cli.demo.people import submission
from dsr_examples.catalogue import example
from dsr_examples.people import People
from support.composed import Composed, drained, has_succeeded
from support.ledger import Ledger
from support.loop import QUICK
from support.waiting import eventually

__all__ = ["PEOPLE", "SERVICES", "SYSTEMS", "ContainerLoop", "Load", "running_containers"]

SERVICES = ("intake", "fanout", "verifier")
SYSTEMS = ("backup-index", "identity-checks", "newsletter")
PEOPLE = 800
_PARTS = ("kafka", "temporal", "postgresql")
_PACE_S = 0.15
_AGAIN = {429, 502, 503, 504}
_PYTHON = "/opt/dsr/bin/python"
_COUNT = ("-m", "dsr_examples", "count")
_READY = """
import http.client
asked = http.client.HTTPConnection("127.0.0.1", 8080)
asked.request("GET", "/readyz")
print(asked.getresponse().read().decode())
"""


@dataclass
class Load:
    """What was submitted while a test did something else."""

    ids: list[str] = field(default_factory=list)
    refused: list[int | str] = field(default_factory=list)
    """Every status that was no success, and how calls broke off: what a client saw of what was away."""

    left: list[DockerContainer] = field(default_factory=list)
    """Which intakes were called until they took no more connections, where there was another."""


class ContainerLoop:
    """Parts, services and systems, each a container or several."""

    def __init__(self, composed: Composed) -> None:
        self.composed = composed
        self.running: dict[str, list[DockerContainer]] = {}
        self.last = 0
        """The number of the person that was asked for last, apart from load."""
        self.ledger = Ledger(self.dsn, SYSTEMS)
        self._people = People()
        # Never one twice: who asks again while it is open is answered with the first asking.
        self._others = (one for one in itertools.count(1) if not _is_known(one))
        self._known = filter(_is_known, range(1, PEOPLE + 1))
        self._key = ""
        # A connection of its own for each call, so that whom it reaches is chosen anew.
        self._http = httpx.AsyncClient(
            limits=httpx.Limits(max_keepalive_connections=0), timeout=30, trust_env=False
        )

    async def begin(self) -> None:
        """Start everything, and make a client."""
        for name in _PARTS:
            self.start(name)
        setup = self.composed.start("setup")
        await eventually(lambda: has_succeeded(setup), within=90, what="what services need")
        for name in (*SERVICES, *SYSTEMS):
            self.start(name)
        for name in SERVICES:
            await self.ready(name)
        made = self.only("intake").exec([_PYTHON, "-m", "dsr_intake", "officer", "o"])
        assert made.exit_code == 0, made.output
        officer = InternalApi(Internal(self.url("intake"), made.output.decode().split()[-1]))
        limits = {"calls_per_s": 10_000, "calls_at_once": 1_000}
        client = {"name": "load", "role": "client", "limits": limits, "reason": "a test"}
        self._key = str((await asyncio.to_thread(officer.create_client, client))["api_key"])

    def start(self, name: str) -> DockerContainer:
        """Start a container more of a service."""
        started = self.composed.start(name)
        self.running.setdefault(name, []).append(started)
        return started

    def only(self, name: str) -> DockerContainer:
        """Return the one container of a service."""
        [one] = self.running[name]
        return one

    def url(self, name: str, which: int = -1) -> str:
        """Return where a service answers on this machine."""
        return f"http://127.0.0.1:{self.running[name][which].get_exposed_port(8080)}"

    async def ready(self, name: str, which: int = -1) -> None:
        """Wait until all parts of a service are up."""
        async with httpx.AsyncClient(trust_env=False) as http:

            async def is_ready() -> bool:
                try:
                    return (await http.get(f"{self.url(name, which)}/readyz")).is_success
                except httpx.HTTPError:
                    return False

            await eventually(is_ready, within=90, what=f"readiness of {name}")

    async def faults(self, name: str) -> set[str]:
        """Return the parts that a service finds away, itself asked within its container."""
        return set(json.loads(await self._said(name, "-c", _READY))["faults"])

    async def holding(self, number: int) -> set[str]:
        """Return the systems that hold something of a person."""
        asked = ("--person", str(number), "--json")
        return {
            system
            for system in SYSTEMS
            if any(json.loads(await self._said(system, *_COUNT, system, *asked)).values())
        }

    async def submit(self) -> str:
        """Submit a deletion request of a person whom every system knows; return its id."""
        self.last = next(self._known)
        return await self._submit(self.last, Load())

    async def _submit(self, number: int, seen: Load) -> str:
        """Submit again as long as intake is away."""
        body = submission(self._people.person(number))
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": str(uuid.uuid4())}
        while True:
            for intake in tuple(self.running["intake"]):
                url = f"http://{self.composed.address(intake)}:8080/v1/subject-requests"
                try:
                    answer = await self._http.post(url, json=body, headers=headers)
                except httpx.ConnectError as error:
                    if not self._is_left(intake, seen):
                        seen.refused.append(type(error).__name__)
                except httpx.HTTPError as error:
                    seen.refused.append(type(error).__name__)
                else:
                    if answer.is_success:
                        return str(answer.json()["id"])
                    seen.refused.append(answer.status_code)
                    assert answer.status_code in _AGAIN, answer.text
            await asyncio.sleep(_PACE_S)

    def _is_left(self, intake: DockerContainer, seen: Load) -> bool:
        """Call an intake no more that takes no connection, as a load balancer does; false for the last.

        Nobody has heard anything of such a call, so it is another's at once.
        """
        if self.running["intake"] == [intake]:
            return False
        if intake in self.running["intake"]:
            self.running["intake"].remove(intake)
            seen.left.append(intake)
        return True

    @asynccontextmanager
    async def beside(self, name: str) -> AsyncIterator[DockerContainer]:
        """Have another container of a service beside its one; yields the old one, which is gone afterwards.

        Whatever becomes of the block, the next test finds one container, and that is the new one.
        """
        old = self.only(name)
        self.start(name)
        try:
            await self.ready(name)
            yield old
        finally:
            if old in self.running[name]:
                await self.replaced(name, old)

    async def replaced(self, name: str, old: DockerContainer) -> int:
        """Have a container end, which is called as long as it takes connections; return its exit code."""
        code = await asyncio.to_thread(drained, old)
        if old in self.running[name]:
            self.running[name].remove(old)
        return code

    @asynccontextmanager
    async def load(
        self, *, callers: int = 1, pace_s: float = _PACE_S, within: float = 180.0
    ) -> AsyncIterator[Load]:
        """Submit requests until the block ends; every one of them is answered then, and closed once."""
        found = Load()
        done = asyncio.Event()

        async def submit() -> None:
            while not done.is_set():
                found.ids.append(await self._submit(next(self._others), found))
                await asyncio.sleep(pace_s)

        submitting = [asyncio.create_task(submit()) for _ in range(callers)]
        try:
            yield found
        finally:
            done.set()
            await asyncio.gather(*submitting)
        assert len(set(found.ids)) == len(found.ids) > 0
        await self.ledger.answered(found.ids, within=within)

    async def _said(self, name: str, *arguments: str) -> str:
        """Run Python in a container; return what it printed."""
        done = await asyncio.to_thread(self.only(name).exec, [_PYTHON, *arguments])
        assert done.exit_code == 0, done.output
        return str(done.output.decode())

    async def aclose(self) -> None:
        """Close what was opened to intake."""
        await self._http.aclose()

    def dsn(self, database: str = "dsr") -> str:
        """Return the super user's address of a database."""
        port = self.only("postgresql").get_exposed_port(5432)
        return f"postgresql://postgres:{self.composed.password()}@127.0.0.1:{port}/{database}"


def _is_known(number: int) -> bool:
    """Tell whether every system held something of a person at first."""
    return number <= PEOPLE and all(example(one).knows(number) for one in SYSTEMS)


@contextmanager
def running_containers() -> Iterator[ContainerLoop]:
    """Run the whole loop in containers; gone afterwards."""
    changes = {
        "intake": dict(QUICK),
        "verifier": dict(QUICK),
        **{name: {"DSR_EXAMPLE_PEOPLE": str(PEOPLE), **QUICK} for name in SYSTEMS},
    }
    with Composed(changes) as composed:
        yield ContainerLoop(composed)
