"""One measured run of the lean loop: the least that goes round the same stack, to compare with.

Its parts are scripts in `tests/bench/lean`. They use the same Kafka with the same logins, the same
Temporal and PostgreSQL, the same number of systems, tables, people and requests a cohort. What they
leave out is everything that makes a request safe: no HTTP, no keys, no signatures, no outbox.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

import asyncpg
import uvloop
from aiokafka import AIOKafkaProducer
from temporalio.client import Client as TemporalClient

from dsr_cli.bench import people as data
from dsr_cli.bench.people import TABLES, People
from dsr_cli.bench.report import Lean
from dsr_cli.bench.rig import Rig
from dsr_cli.bench.scripts import script_spec
from dsr_cli.bench.waiting import wait_for_count
from dsr_cli.bench.workflows import Workflows
from dsr_cli.errors import CommandError
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.topics import create_topics
from dsr_wire.topics import Topic

__all__ = ["LeanLoop", "lean_at_work", "start_lean"]

SCHEMA = "lean"
WORKFLOW = "LeanCohort"

_PARTS = {
    "lean-fanout": "lean/fanout.py",
    "lean-verifier": "lean/verifier.py",
    "lean-systems": "lean/subscribers.py",
}
_SHOWN = {"lean-fanout": "fanout", "lean-verifier": "verifier", "lean-systems": "systems"}
_PARTITIONS = 4

_LEDGER = """
create table lean.requests (
    request_id text primary key,
    cohort_id text not null,
    expected integer not null,
    closed_at timestamptz
);
create table lean.answers (
    request_id text not null,
    system integer not null,
    primary key (request_id, system)
);
"""
_CLOSED = "select count(*) from lean.requests where closed_at is not null"


def start_lean(rig: Rig, people: People) -> list[str]:
    """Fill the lean systems with these people, start everything, and return the processes' names."""
    names = ["requests", "obligations", "acknowledgements", "closures"]
    names += [f"notices.{system}" for system in range(1, rig.systems + 1)]
    create_topics(kafka_admin(rig.stack).client(), map(_topic, names))
    uvloop.run(_prepare(rig, people))
    told = _told(rig)
    return rig.start(script_spec(rig, name, path, told) for name, path in _PARTS.items())


def _topic(name: str) -> Topic:
    return Topic(
        name=f"lean.{name}", key="cohort", producers=(), consumers=(), partitions=_PARTITIONS
    )


def _told(rig: Rig) -> dict[str, object]:
    return {
        "kafka": {**asdict(rig.kafka), "ca_file": str(rig.kafka.ca_file)},
        "temporal": rig.stack.temporal_address,
        "database": rig.database,
        "systems": rig.systems,
        "tables": TABLES,
    }


async def _prepare(rig: Rig, people: People) -> None:
    connection = await asyncpg.connect(rig.database)
    try:
        await data.load(connection, SCHEMA, rig.systems, people)
        await connection.execute(_LEDGER)
    finally:
        await connection.close()


@asynccontextmanager
async def lean_at_work(rig: Rig, names: Sequence[str]) -> AsyncIterator[LeanLoop]:
    """Yield the lean loop whose processes have been started."""
    connection = await asyncpg.connect(rig.database)
    producer = AIOKafkaProducer(**rig.kafka.arguments(), enable_idempotence=True, linger_ms=5)
    await producer.start()
    try:
        workflows = await Workflows.since_now(
            await TemporalClient.connect(rig.stack.temporal_address), WORKFLOW
        )
        yield LeanLoop(rig, names, connection, producer, workflows)
    finally:
        await producer.stop()
        await connection.close()


class LeanLoop:
    """The lean loop at work: goes round as often as it is told to, and adds up what it saw."""

    def __init__(
        self,
        rig: Rig,
        names: Sequence[str],
        connection: asyncpg.Connection,
        producer: AIOKafkaProducer,
        workflows: Workflows,
    ) -> None:
        self._rig = rig
        self._names = names
        self._connection = connection
        self._producer = producer
        self._workflows = workflows
        self._meter = rig.meter(names)
        self.pids = list(rig.pids(names).values())
        """Its processes, apart from Kafka, Temporal and PostgreSQL."""

        self._requests = 0
        self._closed_s = self._ended_s = 0.0

    async def warm_up(self, people: Sequence[str]) -> None:
        """Send these round, without counting them."""
        await self._round(people, 1)

    async def go_round(self, people: Sequence[str], cohort: int) -> float:
        """Send these round, so many a workflow; return after how many seconds all were closed.

        Raises:
            CommandError: A request was lost; then the figures would mean nothing.
        """
        with self._meter.counting():
            closed_s, ended_s = await self._round(people, cohort)
        self._requests += len(people)
        self._closed_s += closed_s
        self._ended_s += ended_s
        return closed_s

    async def report(self, people: People) -> Lean:
        """Return what all rounds showed together.

        Raises:
            CommandError: Something of these people is left.
        """
        rows_left = await data.check_erased(self._connection, SCHEMA, self._rig.systems, people)
        if rows_left:
            raise CommandError(f"the lean loop left {rows_left} rows")
        cpu = self._meter.cpu_ms(self._requests)
        return Lean(
            closed_per_s=round(self._requests / self._closed_s, 1),
            ended_per_s=round(self._requests / self._ended_s, 1),
            cpu_ms_per_request={_SHOWN.get(name, name): ms for name, ms in cpu.items()},
        )

    async def _round(self, people: Sequence[str], cohort: int) -> tuple[float, float]:
        cohorts = [people[i : i + cohort] for i in range(0, len(people), cohort)]
        closed_before, ended_before = await self._closed(), await self._workflows.completed()
        began = time.perf_counter()
        await _send(self._producer, cohorts)
        await self._reach(self._closed, closed_before + len(people))
        closed_s = time.perf_counter() - began
        await self._reach(self._workflows.completed, ended_before + len(cohorts))
        return closed_s, time.perf_counter() - began

    async def _closed(self) -> int:
        return int(await self._connection.fetchval(_CLOSED))

    async def _reach(self, count: Callable[[], Awaitable[int]], target: int) -> None:
        found = await wait_for_count(
            count, target, interval=0.05, check=lambda: self._rig.check(self._names)
        )
        if found < target:
            raise CommandError(f"the lean loop lost {target - found} of {target}")


async def _send(producer: AIOKafkaProducer, cohorts: Sequence[Sequence[str]]) -> None:
    sent = [
        await producer.send("lean.requests", json.dumps(ids).encode(), key=ids[0].encode())
        for ids in cohorts
    ]
    await asyncio.gather(*sent)
