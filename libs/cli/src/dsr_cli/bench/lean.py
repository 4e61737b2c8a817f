"""One measured run of the lean loop: the least that goes round the same stack, to compare with.

Its parts are scripts in `tests/bench/lean`. They use the same Kafka with the same logins, the same
Temporal and PostgreSQL, the same number of systems, tables, people and requests a cohort. What they
leave out is everything that makes a request safe: no HTTP, no keys, no signatures, no outbox.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

import asyncpg
import uvloop
from aiokafka import AIOKafkaProducer
from temporalio.client import Client as TemporalClient

from dsr_cli.bench import people as data
from dsr_cli.bench.people import TABLES, People
from dsr_cli.bench.progress import Bars, Progress
from dsr_cli.bench.report import Lean
from dsr_cli.bench.rig import Rig
from dsr_cli.bench.scripts import script_spec
from dsr_cli.bench.waiting import wait_for_count
from dsr_cli.bench.workflows import Workflows
from dsr_cli.errors import CommandError
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.topics import create_topics
from dsr_wire.topics import Topic

__all__ = ["measure_lean"]

SCHEMA = "lean"
WORKFLOW = "LeanCohort"
WARM_UP = 20

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


def measure_lean(rig: Rig, *, requests: int, cohort: int, bars: Bars) -> Lean:
    """Run the lean loop's parts, send so many requests, and return what was seen.

    Raises:
        CommandError: A request was lost; then the figures would mean nothing.
    """
    people = People.of(requests, warm_up=WARM_UP)
    names = ["requests", "obligations", "acknowledgements", "closures"]
    names += [f"notices.{system}" for system in range(1, rig.systems + 1)]
    create_topics(kafka_admin(rig.stack).client(), map(_topic, names))
    uvloop.run(_prepare(rig, people))
    told = _told(rig)
    started = rig.start(script_spec(rig, name, path, told) for name, path in _PARTS.items())
    lean = uvloop.run(_measure(rig, people, cohort, started, bars))
    rig.stop(started)
    return lean


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


async def _measure(rig: Rig, people: People, cohort: int, names: Sequence[str], bars: Bars) -> Lean:
    connection = await asyncpg.connect(rig.database)
    producer = AIOKafkaProducer(**rig.kafka.arguments(), enable_idempotence=True, linger_ms=5)
    await producer.start()
    try:
        workflows = await Workflows.since_now(
            await TemporalClient.connect(rig.stack.temporal_address), WORKFLOW
        )

        async def closed() -> int:
            return int(await connection.fetchval(_CLOSED))

        async def reach(
            count: Callable[[], Awaitable[int]], target: int, progress: Progress
        ) -> None:
            found = await wait_for_count(
                count, target, interval=0.05, on_count=progress, check=lambda: rig.check(names)
            )
            if found < target:
                raise CommandError(f"the lean loop lost {target - found} of {target}")

        with bars.bar("lean: warming up", len(people.warm_up)) as progress:
            await _send(producer, [[one] for one in people.warm_up])
            await reach(closed, len(people.warm_up), progress)
            await reach(workflows.completed, len(people.warm_up), progress)

        requests = len(people.asked)
        cohorts = [list(people.asked[i : i + cohort]) for i in range(0, requests, cohort)]
        meter = rig.meter(names)
        began = time.perf_counter()
        with bars.bar("lean: closed", requests) as progress:
            await _send(producer, cohorts)
            await reach(closed, requests + WARM_UP, progress)
            closed_s = time.perf_counter() - began
            await reach(workflows.completed, len(cohorts) + WARM_UP, progress)
        ended_s = time.perf_counter() - began
        cpu = meter.cpu_ms(requests)
        rows_left = await data.check_erased(connection, SCHEMA, rig.systems, people)
        if rows_left:
            raise CommandError(f"the lean loop left {rows_left} rows")
        return Lean(
            closed_per_s=round(requests / closed_s, 1),
            ended_per_s=round(requests / ended_s, 1),
            cpu_ms_per_request={_SHOWN.get(name, name): ms for name, ms in cpu.items()},
        )
    finally:
        await producer.stop()
        await connection.close()


async def _send(producer: AIOKafkaProducer, cohorts: Sequence[list[str]]) -> None:
    sent = [
        await producer.send("lean.requests", json.dumps(ids).encode(), key=ids[0].encode())
        for ids in cohorts
    ]
    await asyncio.gather(*sent)
