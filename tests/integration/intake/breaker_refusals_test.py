"""What waits before the breaker is refused together, by two people, each request as by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from integration.intake.audit_test import entries
from integration.intake.breaker_test import (
    FLOOR,
    breaker,
    sealed,
    systems,
    trip,
)

from dsr_cli.stack import Stack
from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection
from support.decisions import INTERNAL, shown, submitted
from support.intake import Intake, VerifierDouble, running_intake
from support.parts import fresh_database
from support.submissions import a_submission
from support.waiting import eventually


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    stack: Stack,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    folder = tmp_path_factory.mktemp("keys")
    with fresh_database(stack) as dsn:
        async with running_intake(kafka, dsn, verifier.url, folder, breaker_floor=FLOOR) as one:
            yield one


@pytest.fixture
async def intake(running: Intake) -> Intake:
    """Return intake with a breaker that nothing has passed yet, and before which nothing waits."""
    for table in ("scopes", "counts", "cohorts", "releases", "refusals"):
        await running.pool.execute(f"truncate intake.breaker_{table}")
    return running


WORDS = {"ground": "GDPR 12(5)(b)", "reason": "a client ran away"}


async def propose(intake: Intake, **body: Any) -> httpx.Response:
    path = f"{INTERNAL}/breaker/refusals"
    return await intake.http.post(path, headers=intake.desk, json=WORDS | {"scope": "*"} | body)


async def approve(
    intake: Intake, refusal_id: str, by: dict[str, str] | None = None
) -> httpx.Response:
    path = f"{INTERNAL}/breaker/refusals/{refusal_id}/approval"
    return await intake.http.post(path, headers=by or intake.counsel, json={})


async def done(intake: Intake, refusal_id: str) -> dict[str, Any]:
    """Return a refusal once it is carried out."""

    async def found() -> dict[str, Any] | None:
        answer = await intake.http.get(f"{INTERNAL}/breaker/refusals", headers=intake.desk)
        one: dict[str, Any] = next(
            one for one in answer.json()["refusals"] if one["id"] == refusal_id
        )
        return one if one["done_at"] else None

    return await eventually(found, within=30)


async def test_two_people_refuse_what_waits_and_nothing_that_came_later(
    intake: Intake, registry: Registry
) -> None:
    asked = systems(registry, "backup-provider")
    first = await trip(intake, registry)
    proposal = (await propose(intake)).json()
    assert (proposal["waiting"], proposal["approved_by"]) == (1, None)
    later = await submitted(intake)
    assert await sealed(intake, later["id"], registry.digest, *asked) == httpx.codes.CONFLICT
    same = await approve(intake, proposal["id"], by=intake.desk)
    assert (same.status_code, same.json()["type"].rpartition(":")[2]) == (409, "same_person")
    assert (await shown(intake, first["id"]))["state"] == "open"

    assert (await approve(intake, proposal["id"])).status_code == httpx.codes.OK
    over = await done(intake, proposal["id"])
    assert over["refused"] == 1
    assert (await shown(intake, first["id"]))["state"] == "stopping"
    assert (await shown(intake, later["id"]))["state"] == "open"
    assert (await approve(intake, proposal["id"], by=intake.officer)).status_code == 409
    row = await intake.pool.fetchrow(
        "select decided_by, reason, details from intake.decisions"
        " where request_id = $1 and kind = 'refuse'",
        first["id"],
    )
    assert (row["decided_by"], row["reason"]) == (over["approved_by"], WORDS["reason"])
    assert over["proposed_by"] in row["details"]
    assert [one["action"] for one in await entries(intake, target=proposal["id"])] == [
        "breaker.approve-refusal",
        "breaker.propose-refusal",
    ]


async def test_what_one_client_asked_for_is_refused_and_what_another_did_is_not(
    intake: Intake, registry: Registry
) -> None:
    asked = systems(registry, "backup-provider")
    theirs = await trip(intake, registry)
    client_id, header = await intake.made()
    mine = await intake.http.post("/v1/subject-requests", headers=header, json=a_submission())
    other = mine.json()["id"]
    assert await sealed(intake, other, registry.digest, *asked) == httpx.codes.CONFLICT
    proposal = (await propose(intake, client_id=client_id)).json()
    assert proposal["waiting"] == 1
    await approve(intake, proposal["id"])
    await done(intake, proposal["id"])
    assert (await shown(intake, other))["state"] == "stopping"
    assert (await shown(intake, theirs["id"]))["state"] == "open"


async def test_where_nothing_waits_nothing_is_proposed(intake: Intake) -> None:
    refused = await propose(intake)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (
        422,
        "nothing_waits",
    )
    answer = await intake.http.get(f"{INTERNAL}/breaker", headers=intake.desk)
    assert answer.status_code == httpx.codes.OK


async def test_a_refusal_that_was_broken_off_is_carried_on(
    intake: Intake, registry: Registry
) -> None:
    """As a crash leaves it: approved, with some refused and others not."""
    asked = systems(registry, "backup-provider")
    waiting = [await trip(intake, registry)]
    for _ in range(FLOOR):
        one = await submitted(intake)
        assert await sealed(intake, one["id"], registry.digest, *asked) == httpx.codes.CONFLICT
        waiting.append(one)
    proposal = (await propose(intake)).json()
    path = f"{INTERNAL}/subject-requests/{waiting[0]['id']}/refusal"
    await intake.http.post(path, headers=intake.desk, json=WORDS)
    await approve(intake, proposal["id"])
    over = await done(intake, proposal["id"])
    assert over["refused"] == FLOOR
    states = {(await shown(intake, one["id"]))["state"] for one in waiting}
    assert states == {"stopping"}
    assert all(one["waiting"] >= 0 for one in (await breaker(intake))["scopes"])
