"""PostgreSQL is put back to an earlier time while Kafka and Temporal are ahead: what was told comes true again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import asyncpg
import httpx
import pytest

from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.reading import records
from dsr_cli.stack import probes
from dsr_cli.stack.roles import create_roles
from dsr_cli.stack.specs import service_specs
from dsr_contracts.v1 import closures_pb2
from dsr_wire.envelope import decode
from dsr_wire.topics import CHECKPOINTS, CLOSURES
from support.command import dsr
from support.loop import QUICK, Loop, running_loop
from support.parts import data_folder
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

SERVICES = ("intake", "fanout", "verifier")
EACH = 5


@pytest.fixture
def own_loop() -> Iterator[Loop]:
    """A loop whose database nobody else needs."""
    with data_folder() as folder, running_loop(folder) as running:
        yield running


async def test_after_a_restore_what_can_be_closed_closes_once_and_nothing_is_told_twice(
    own_loop: Loop,
) -> None:
    loop = own_loop
    slow = loop.system("billing")
    answered_before = await _submitted(loop)
    await loop.answered(*answered_before)
    loop.stack.stop(slow)
    open_then = await _submitted(loop)
    await _told(loop, open_then)
    await _stopped(loop)
    await _in_postgres(loop, "create database kept template dsr")
    await _started(loop)

    loop.stack.start(slow)
    answered_since = await _submitted(loop)
    await loop.answered(*open_then, *answered_since)
    loop.stack.stop(slow)
    open_since = await _submitted(loop)
    await _told(loop, open_since)
    await _logged(loop)
    published = _published(loop)
    await _stopped(loop)
    await _in_postgres(loop, "drop database dsr with (force)", "alter database kept rename to dsr")

    # A backup of one database is without what its logins may do in it.
    await asyncio.to_thread(create_roles, loop.stack, "dsr")

    dry = await _reconciled(loop)
    assert dry["request_forgotten"] == {*answered_since, *open_since}
    assert dry["answer_forgotten"] == set(open_then)
    assert dry["closure_forgotten"] >= {*open_then, *answered_since}
    assert dry["log_behind"]
    assert await _reconciled(loop) == dry, "a dry run changes nothing"
    mended = await _reconciled(loop, "--apply", "--reason", "restored to an earlier time")
    assert mended.keys() == dry.keys()
    left = await _reconciled(loop)
    assert left.keys() == {"identity_lost", "log_behind"}
    assert left["identity_lost"] == set(open_since)

    await _started(loop, verifier=_standing_log(loop))
    loop.stack.start(slow)
    known = [*answered_before, *open_then, *answered_since]
    await _all_answered(loop, known)
    # Nobody can seal what is lost, for the phases that were not told: said, and never closed falsely.
    await eventually(partial(_is_alarmed, loop), within=60, what="a missing key is counted")
    assert await _closed_in_the_ledger(loop) == dict.fromkeys(known, 1)
    assert _closures_told(loop) == dict.fromkeys(known, 1)
    assert not await loop.query("select 1 from intake_keys.request_keys")
    assert not loop.dead_letters()
    assert await _reconciled(loop) == left
    await _log_stands(loop)
    assert _published(loop) == published, "nothing is signed that contradicts what was published"


async def _submitted(loop: Loop) -> list[str]:
    return [await loop.submit() for _ in range(EACH)]


async def _told(loop: Loop, request_ids: list[str]) -> None:
    """Wait until of those whose turn it is only the one that is away is missing."""
    for one in request_ids:

        async def waits(request_id: str = one) -> bool:
            rows = await loop.query(
                "select 1 from verifier.requests where request_id::text = $1", request_id
            )
            return bool(rows) and await loop.missing(request_id) == {"billing"}

        await eventually(waits, within=120, what=f"{one} waits for one system")


async def _logged(loop: Loop) -> None:
    async def nothing_waits() -> bool:
        rows = await loop.query(
            "select (select count(*) from verifier.log_pending)"
            " + (select count(*) from verifier.outbox) + (select count(*) from intake.outbox) as n"
        )
        return bool(rows[0]["n"] == 0)

    await eventually(nothing_waits, within=30, what="everything is told")


async def _stopped(loop: Loop) -> None:
    for service in SERVICES:
        await asyncio.to_thread(loop.stack.stop, service)


async def _started(loop: Loop, *, verifier: str = "verifier") -> None:
    for service in (verifier, "intake", "fanout"):
        await asyncio.to_thread(loop.stack.start, service)


def _standing_log(loop: Loop) -> str:
    """Return the name of a verifier that is up once it serves: it is not ready while its log stands."""
    [spec] = [one for one in service_specs(loop.stack) if one.name == "verifier"]
    name, url = "verifier-restored", loop.stack.settings.verifier_url
    env = {**spec.env, **QUICK}
    ready = partial(probes.http_ok, f"{url}/servez")
    loop.stack.add(replace(spec, name=name, env=env, ready=ready))
    return name


async def _in_postgres(loop: Loop, *statements: str) -> None:
    connection = await asyncpg.connect(loop.stack.postgres_dsn("postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _reconciled(loop: Loop, *options: str) -> dict[str, set[str]]:
    said = await dsr(loop.stack.settings, "reconcile", "--json", *options)
    assert said.out, said.err
    found: dict[str, set[str]] = {}
    for one in json.loads(said.out)["differences"]:
        found.setdefault(one["kind"], set()).add(one["id"])
    return found


async def _all_answered(loop: Loop, request_ids: list[str]) -> None:
    # In the database: who submitted what was entered anew is not known.
    async def all_are() -> bool:
        rows = await loop.query(
            "select id::text from intake.subject_requests where state = 'answered'"
        )
        return {row["id"] for row in rows} == set(request_ids)

    await eventually(all_are, within=180, what="all are answered")


async def _is_alarmed(loop: Loop) -> bool:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{loop.stack.settings.intake_url}/metrics")
    lines = [
        one for one in answer.text.splitlines() if one.startswith("dsr_intake_keys_missing_total ")
    ]
    return bool(lines) and float(lines[0].split()[1]) > 0


async def _closed_in_the_ledger(loop: Loop) -> dict[str, int]:
    rows = await loop.query("select request_id::text as id from verifier.closures")
    return dict(Counter(row["id"] for row in rows))


def _closures_told(loop: Loop) -> dict[str, int]:
    told: Counter[str] = Counter()
    for one in records(kafka_admin(loop.stack), lambda name: name == CLOSURES.name):
        message = decode(one.value, one.headers, closures_pb2.Closures)
        told.update(closure.request_id for closure in message.closures)
    return dict(told)


def _published(loop: Loop) -> list[bytes]:
    found = records(kafka_admin(loop.stack), lambda name: name == CHECKPOINTS.name)
    return [one.value or b"" for one in found][-1:]


async def _log_stands(loop: Loop) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{loop.stack.settings.verifier_url}/readyz")
    assert "shorter" in answer.json()["faults"]["log"]
