"""PostgreSQL is put back to an earlier time while Kafka and Temporal are ahead: what was told comes true again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import httpx
import pytest

from dsr_cli.stack import probes
from dsr_cli.stack.specs import service_specs
from dsr_contracts.v1 import closures_pb2
from dsr_wire.envelope import decode
from dsr_wire.topics import CHECKPOINTS, CLOSURES
from support.loop import QUICK, Loop, running_loop
from support.operating import away, only_missing
from support.parts import data_folder
from support.reconciling import differences, started, stopped, told
from support.recovery import Backups
from support.waiting import eventually

pytestmark = pytest.mark.timeout(900)

EACH = 5
SLOW = "billing"
POINT = "before_it_broke"


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    """A loop whose PostgreSQL nobody else needs."""
    with data_folder() as folder, running_loop(folder) as running:
        yield running


async def test_after_a_restore_what_can_be_closed_closes_once_and_nothing_is_told_twice(
    loop: Loop,
) -> None:
    """A base backup of the running server, more requests, and recovery to a point of the archived log."""
    backups = Backups(loop.stack)
    await backups.begin()
    await backups.take()
    answered_before = await _submitted(loop)
    await loop.answered(*answered_before, within=120)
    async with away(loop, SLOW):
        open_then = await _submitted(loop)
        await only_missing(loop, *open_then, system_id=SLOW)
        await backups.mark(POINT)

    answered_since = await _submitted(loop)
    await loop.answered(*open_then, *answered_since, within=120)
    async with away(loop, SLOW):
        open_since = await _submitted(loop)
        await only_missing(loop, *open_since, system_id=SLOW)
        await _logged(loop)
        published = _published(loop)
        await stopped(loop)
        await backups.go_back_to(POINT)

        dry = await differences(loop)
        assert dry["request_forgotten"] == {*answered_since, *open_since}
        assert dry["answer_forgotten"] == set(open_then)
        assert dry["closure_forgotten"] >= {*open_then, *answered_since}
        assert dry["log_behind"]
        assert await differences(loop) == dry, "a dry run changes nothing"
        because = ("--reason", "restored to an earlier time")
        assert await differences(loop, "--apply", *because, by_owners=True) == dry
        left = await differences(loop)
        assert left.keys() == {"identity_lost", "log_behind"}
        assert left["identity_lost"] == set(open_since)
        await started(loop, _standing_log(loop), "intake", "fanout")

    known = [*answered_before, *open_then, *answered_since]
    await _all_answered(loop, known)
    # Nobody can seal what is lost, for the phases that were not told: said, and never closed falsely.
    await eventually(partial(_is_alarmed, loop), within=60, what="a missing key is counted")
    assert await _closed_in_the_ledger(loop) == dict.fromkeys(known, 1)
    assert _closures_told(loop) == dict.fromkeys(known, 1)
    assert not await loop.query("select 1 from intake_keys.request_keys")
    assert not loop.dead_letters()
    assert await differences(loop) == left
    await _log_stands(loop)
    assert _published(loop) == published, "nothing is signed that contradicts what was published"


async def _submitted(loop: Loop) -> list[str]:
    return [await loop.submit() for _ in range(EACH)]


async def _logged(loop: Loop) -> None:
    async def nothing_waits() -> bool:
        rows = await loop.query(
            "select (select count(*) from verifier.log_pending)"
            " + (select count(*) from verifier.outbox) + (select count(*) from intake.outbox) as n"
        )
        return bool(rows[0]["n"] == 0)

    await eventually(nothing_waits, within=30, what="everything is told")


def _standing_log(loop: Loop) -> str:
    """Return the name of a verifier that is up once it serves: it is not ready while its log stands."""
    [spec] = [one for one in service_specs(loop.stack) if one.name == "verifier"]
    name, url = "verifier-restored", loop.stack.settings.verifier_url
    env = {**spec.env, **QUICK}
    ready = partial(probes.http_ok, f"{url}/servez")
    loop.stack.add(replace(spec, name=name, env=env, ready=ready))
    return name


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
    found: Counter[str] = Counter()
    for one in told(loop, CLOSURES.name):
        message = decode(one.value, one.headers, closures_pb2.Closures)
        found.update(closure.request_id for closure in message.closures)
    return dict(found)


def _published(loop: Loop) -> list[bytes]:
    return [one.value or b"" for one in told(loop, CHECKPOINTS.name)][-1:]


async def _log_stands(loop: Loop) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{loop.stack.settings.verifier_url}/readyz")
    assert "shorter" in answer.json()["faults"]["log"]
