"""The whole loop in containers: what a test asks of it, and load that goes on while containers come and go."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx
from testcontainers.core.container import DockerContainer

from dsr_cli.api.client import ApiError, IntakeClient
from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import Internal
from dsr_cli.demo.people import submission
from dsr_examples.people import People
from support.composed import Composed, drained, has_succeeded
from support.ledger import Ledger
from support.loop import QUICK
from support.waiting import eventually

__all__ = ["PEOPLE", "SERVICES", "SYSTEMS", "ContainerLoop", "Load", "running_containers"]

SERVICES = ("intake", "fanout", "verifier")
SYSTEMS = ("backup-index", "identity-checks", "newsletter")
PEOPLE = 400
_PARTS = ("kafka", "temporal", "postgresql")
_PACE_S = 0.15


@dataclass
class Load:
    """What was submitted while a test did something else."""

    ids: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Every status that was no success: what a client saw while a service was away."""


class ContainerLoop:
    """Parts, services and systems, each a container or several."""

    def __init__(self, composed: Composed) -> None:
        self.composed = composed
        self.running: dict[str, list[DockerContainer]] = {}
        self.last = 0
        """The number of the person that was asked for last."""
        self.ledger = Ledger(self._dsn, SYSTEMS)
        self._people = People()
        self._key = ""
        self._clients: dict[str, IntakeClient] = {}

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
        made = self.only("intake").exec(["/opt/dsr/bin/python", "-m", "dsr_intake", "officer", "o"])
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

    async def submit(self, answers: list[int] | None = None) -> str:
        """Submit a deletion request, again as long as intake is away; return its id."""
        # Never one twice: who asks again while it is open is answered with the first asking.
        self.last += 1
        body = submission(self._people.person(self.last))
        key = str(uuid.uuid4())
        while True:
            for which in range(len(self.running["intake"])):
                client = self._client(self.url("intake", which))
                try:
                    return str((await client.submit(body, idempotency_key=key))["id"])
                except ApiError as error:
                    if not error.is_passing:
                        raise
                    if error.status is not None and answers is not None:
                        answers.append(error.status)
            await asyncio.sleep(_PACE_S)

    async def replaced(self, name: str, old: DockerContainer) -> int:
        """Call a container no more and have it end; return its exit code."""
        self.running[name].remove(old)
        return await asyncio.to_thread(drained, old)

    @asynccontextmanager
    async def load(self, *, within: float = 180.0) -> AsyncIterator[Load]:
        """Submit requests until the block ends; every one of them is answered then, and closed once."""
        found = Load()
        done = asyncio.Event()

        async def submit() -> None:
            while not done.is_set():
                found.ids.append(await self.submit(found.answers))
                await asyncio.sleep(_PACE_S)

        submitting = asyncio.create_task(submit())
        try:
            yield found
        finally:
            done.set()
            await submitting
        assert len(set(found.ids)) == len(found.ids) > 0
        await self.ledger.answered(found.ids, within=within)

    def _client(self, url: str) -> IntakeClient:
        if url not in self._clients:
            self._clients[url] = IntakeClient(url, self._key)
        return self._clients[url]

    async def aclose(self) -> None:
        """Close what was opened to intake."""
        for client in self._clients.values():
            await client.__aexit__(None, None, None)

    def _dsn(self) -> str:
        port = self.only("postgresql").get_exposed_port(5432)
        return f"postgresql://postgres:{self.composed.password()}@127.0.0.1:{port}/dsr"


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
