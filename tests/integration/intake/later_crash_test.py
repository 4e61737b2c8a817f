"""Intake killed where what comes later is deferred, and where it is opened: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
from integration.intake.closures_test import a_record

from dsr_core.closing import Outcome
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.topics import REQUESTS
from support.crash_points import LATER
from support.crash_writes import CrashPoint
from support.crashing import CRASH_FILE
from support.intake import Topics, VerifierDouble, an_officer, environment_of, intake_fields
from support.parts import ROOT
from support.services import ServiceProcess
from support.submissions import a_submission
from support.waiting import eventually

BASE = "/v1/subject-requests"


class CrashingIntake(ServiceProcess):
    """One that kills itself at the crash point that its file holds."""

    @property
    def file(self) -> Path:
        """Where the crash point is written."""
        return self.log.with_suffix(".crash")

    async def begin(self) -> None:
        """Start it, ready or not, by the launcher that lets it crash."""
        tests = ROOT / "tests"
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "support.crashing", self.module),
                env=self.environment() | {CRASH_FILE: str(self.file), "PYTHONPATH": str(tests)},
                stderr=log,
            )

    async def crashed(self) -> None:
        """Return when it has killed itself."""
        assert self.process is not None
        assert await asyncio.wait_for(self.process.wait(), 60) == -signal.SIGKILL
        assert not self.file.exists(), "it died, and not at its crash point"


@dataclass
class Scene:
    """An intake that has every erasure looked at again at once."""

    intake: CrashingIntake
    http: httpx.AsyncClient
    pool: asyncpg.Pool[asyncpg.Record]

    async def followers(self, request_id: str) -> list[str]:
        """Return the requests that follow one."""
        query = "select id from intake.subject_requests where follows = $1"
        return [str(row["id"]) for row in await self.pool.fetch(query, request_id)]

    async def state(self, request_id: str) -> str:
        """Return where a request stands."""
        query = "select state from intake.subject_requests where id = $1"
        return str(await self.pool.fetchval(query, request_id))


@pytest.fixture
async def scene(
    kafka: KafkaConnection, database: str, verifier: VerifierDouble, tmp_path: Path
) -> AsyncIterator[Scene]:
    async with _scene(kafka, database, verifier, tmp_path) as one:
        yield one


@asynccontextmanager
async def _scene(
    kafka: KafkaConnection, dsn: str, verifier: VerifierDouble, folder: Path
) -> AsyncIterator[Scene]:
    fields = intake_fields(kafka, dsn, verifier.url, folder) | {
        "verify_later_share": 1,
        "verify_later_earliest_s": 0,
        "verify_later_latest_s": 0,
    }
    environment = environment_of(fields)
    async with (
        asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool,
        CrashingIntake("dsr_intake", environment, folder / "intake.log") as intake,
        httpx.AsyncClient(base_url=intake.url, timeout=30) as http,
    ):
        officer = await an_officer(dsn)
        made = await http.post(
            "/internal/v1/clients", headers=officer, json={"name": "shop", "reason": "a test"}
        )
        http.headers["authorization"] = f"Bearer {made.json()['api_key']}"
        yield Scene(intake, http, pool)


@pytest.mark.parametrize("point", LATER, ids=lambda one: one.name)
async def test_what_comes_later_is_deferred_once_and_opened_once_wherever_intake_dies(
    scene: Scene,
    verifier: VerifierDouble,
    publisher: Publisher,
    topics: Topics,
    point: CrashPoint,
) -> None:
    accepted = await scene.http.post(BASE, json=a_submission())
    request_id: str = accepted.json()["id"]
    verifier.erased(request_id, "payment-methods")
    scene.intake.file.write_text(point.name, encoding="utf-8")
    await publisher.publish([a_record(request_id, request_id, outcome=Outcome.FULFILLED)])
    await scene.intake.crashed()
    assert len(await scene.followers(request_id)) == (point.name == "follow.after")

    await scene.intake.start()

    async def is_followed() -> bool:
        return bool(await scene.followers(request_id))

    await eventually(is_followed, within=90)
    assert await scene.state(request_id) == "answered"
    [follower] = await scene.followers(request_id)
    records = await topics.find(REQUESTS.name, {follower}, 1)
    assert len({record.value for record in records}) == 1
    keys = "select count(*) from intake_keys.request_keys where request_id = $1"
    assert await scene.pool.fetchval(keys, request_id) == 0
    again = "select count(*) from intake.deferred_notices where request_id = $1"
    assert await scene.pool.fetchval(again, request_id) == 1
