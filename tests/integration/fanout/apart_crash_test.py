"""Fanout killed while a request is set apart: each is under exactly one workflow, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from integration.fanout.neighbours import Neighbours
from integration.fanout.running import (
    Service,
    addressed,
    begin_all_at_the_end,
    is_ready,
    settings_of,
)

from dsr_cli.stack import Stack
from dsr_core.closing import Outcome
from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.codec.decisions import Stopped
from dsr_wire.codec.notices import Instruction
from dsr_wire.codec.requests import AcceptedCohort
from support.crash_points import point
from support.crashing import CRASH_FILE
from support.sources import ROOT
from support.waiting import eventually


@dataclass
class Scene:
    """Fanout as a process of its own, which can be killed at a point and started again."""

    service: Service
    crash_file: Path
    environment: dict[str, str]

    @contextmanager
    def process(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process until the end of the block, unless it dies before."""
        command = [sys.executable, "-m", "support.crashing", "dsr_fanout"]
        process = subprocess.Popen(command, env=self.environment, cwd=ROOT / "tests")
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)

    def arm(self, name: str) -> None:
        """Have the process die where a crash point says."""
        self.crash_file.write_text(point(name).name, encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
async def from_here_on(kafka: KafkaConnection) -> None:
    await begin_all_at_the_end(kafka)


@pytest.fixture
async def scene(
    stack: Stack, kafka: KafkaConnection, registry: Registry, tmp_path: Path
) -> AsyncIterator[Scene]:
    crash_file = tmp_path / "crash"
    async with Neighbours() as neighbours:
        variables = settings_of(stack, neighbours)
        url = f"http://127.0.0.1:{variables['DSR_HTTP_PORT']}"
        environment = {**os.environ, **variables, CRASH_FILE: str(crash_file)}
        async with addressed(stack, neighbours, kafka, registry, url) as service:
            yield Scene(service, crash_file, environment)


async def ready(scene: Scene) -> None:
    await eventually(lambda: is_ready(scene.service.url), within=60)


async def died(scene: Scene, process: subprocess.Popen[bytes]) -> None:
    await eventually(lambda: process.poll() is not None, within=60)
    assert not scene.crash_file.exists(), "it died of the crash point"


async def stopped(service: Service, home: AcceptedCohort) -> bool:
    return any(one.instruction is Instruction.STOP for one in await service.notices(home))


async def all_told(service: Service, home: AcceptedCohort) -> bool:
    notices = await service.notices(home)
    told = {i.request_id for n in notices for s in n.systems for i in s.identities if i.sealed}
    return told == set(home.request_ids)


async def seen_to_the_end(scene: Scene, *cohorts: AcceptedCohort) -> None:
    service = scene.service
    for one in cohorts:
        await service.answer(one)
        await eventually(lambda one=one: service.ended(one), within=60)
        assert await service.runs(one) == 1


chaos = pytest.mark.chaos
"""Each costs half a minute, until Kafka misses who was killed; one of each kind is run with the others."""


@pytest.mark.parametrize("moment", ["before", pytest.param("after", marks=chaos)])
async def test_killed_before_its_home_cohort_is_opened_a_leaver_is_opened_by_it_once(
    scene: Scene, moment: str
) -> None:
    service = scene.service
    with scene.process() as process:
        await ready(scene)
        scene.arm(f"open.{moment}")
        home = await service.accept(members=3)
        await died(scene, process)
    alone = service.leave(home, home.request_ids[1])
    await service.decide(home, alone, Stopped(Outcome.WITHDRAWN))
    with scene.process():
        await eventually(lambda: stopped(service, home), within=60)
        await eventually(lambda: all_told(service, home), within=60)
        ids = {*await service.obligations(home)}
        assert ids == {
            f"{home.cohort_id}/opened",
            f"{alone.cohort_id}/amended/1/left_cohort",
            f"{alone.cohort_id}/amended/1/stopped",
        }
        await seen_to_the_end(scene, home, alone)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("decide.before", marks=chaos),
        pytest.param("decide.after", marks=chaos),
        pytest.param("amend.before", marks=chaos),
        "amend.after",
    ],
)
async def test_killed_while_a_decision_is_taken_it_is_taken_all_the_same(
    scene: Scene, name: str
) -> None:
    service = scene.service
    with scene.process() as process:
        await ready(scene)
        home = await service.accept(members=2)
        await eventually(lambda: all_told(service, home), within=30)
        scene.arm(name)
        alone = service.leave(home, home.request_ids[1])
        await service.decide(home, alone, Stopped(Outcome.WITHDRAWN))
        await died(scene, process)
        assert not await stopped(service, home)
    with scene.process():
        await eventually(lambda: stopped(service, home), within=60)
        ids = [str(one) for one in await service.obligations(home)]
        assert ids[0] == f"{home.cohort_id}/opened"
        assert ids[1] == f"{alone.cohort_id}/amended/1/left_cohort"
        assert ids[-1] == f"{alone.cohort_id}/amended/1/stopped"
        assert len({*ids}) == 3
        await seen_to_the_end(scene, home, alone)
