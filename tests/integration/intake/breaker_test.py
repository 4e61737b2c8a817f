"""More erasures than are usual stop before any system is told; two people let them go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from integration.intake.sealing_test import seal

from dsr_cli.stack import Stack
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_runtime.kafka import KafkaConnection
from support.decisions import INTERNAL, a_cohort, shown, submitted
from support.intake import Intake, VerifierDouble, running_intake
from support.parts import fresh_database

FLOOR = 4
A_DAY = 10
WORDS = {"reason": "a customer's contract has ended"}


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    stack: Stack,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    folder = tmp_path_factory.mktemp("keys")
    limits = {"backup-provider": 2}
    with fresh_database(stack) as dsn:
        async with running_intake(
            kafka,
            dsn,
            verifier.url,
            folder,
            breaker_floor=FLOOR,
            breaker_limits=limits,
            breaker_day_floor=A_DAY,
        ) as one:
            yield one


@pytest.fixture
async def intake(running: Intake) -> Intake:
    """Return intake with a breaker that nothing has passed yet."""
    for table in ("scopes", "counts", "cohorts", "releases"):
        await running.pool.execute(f"truncate intake.breaker_{table}")
    return running


def systems(registry: Registry, *but: str) -> list[str]:
    """Return systems that erase, one an organisation, without those of some organisations."""
    erasing = {
        one.organisation_id: one.id for one in registry.systems if Right.DELETION in one.rights
    }
    return [system for owner, system in erasing.items() if owner not in but]


def of(registry: Registry, organisation_id: str) -> str:
    return next(one.id for one in registry.systems if one.organisation_id == organisation_id)


async def sealed(intake: Intake, cohort_id: str, digest: str, *system_ids: str) -> int:
    return (await seal(intake, cohort_id, digest, list(system_ids))).status_code


async def breaker(intake: Intake) -> dict[str, Any]:
    found = await intake.http.get(f"{INTERNAL}/breaker", headers=intake.desk)
    return dict(found.json())


async def scope(intake: Intake, name: str = "*") -> dict[str, Any]:
    return next(one for one in (await breaker(intake))["scopes"] if one["scope"] == name)


async def propose(intake: Intake, name: str = "*", **body: Any) -> httpx.Response:
    return await intake.http.post(
        f"{INTERNAL}/breaker/releases",
        headers=intake.desk,
        json=WORDS | {"scope": name} | body,
    )


async def approve(
    intake: Intake, release_id: str, by: dict[str, str] | None = None
) -> httpx.Response:
    return await intake.http.post(
        f"{INTERNAL}/breaker/releases/{release_id}/approval",
        headers=by or intake.counsel,
        json={},
    )


async def trip(intake: Intake, registry: Registry) -> dict[str, Any]:
    """Send one request more than passes; return it."""
    asked = systems(registry, "backup-provider")
    one: dict[str, Any] = {}
    for _ in range(FLOOR + 1):
        one = await submitted(intake)
        status = await sealed(intake, one["id"], registry.digest, *asked)
    assert status == httpx.codes.CONFLICT
    return one


async def test_what_is_beyond_the_limit_is_sealed_for_nobody(
    intake: Intake, registry: Registry
) -> None:
    one = await trip(intake, registry)
    answer = await seal(intake, one["id"], registry.digest, systems(registry, "backup-provider"))
    assert answer.json()["type"].endswith("breaker_tripped")
    assert "the whole group" in answer.json()["detail"]
    where = await scope(intake)
    assert (where["erasures"], where["limit"], where["waiting"]) == (FLOOR, FLOOR, 1)
    assert where["tripped_at"]


async def test_who_has_passed_is_counted_once_and_passes_again(
    intake: Intake, registry: Registry
) -> None:
    asked = systems(registry, "backup-provider")
    one = await submitted(intake)
    for _ in range(FLOOR + 1):
        assert await sealed(intake, one["id"], registry.digest, *asked) == httpx.codes.OK
    assert (await scope(intake))["erasures"] == 1
    await trip(intake, registry)
    assert await sealed(intake, one["id"], registry.digest, *asked) == httpx.codes.OK


async def test_a_cohort_counts_as_many_as_it_has_members(
    intake: Intake, registry: Registry
) -> None:
    asked = systems(registry, "backup-provider")
    fitting, _ = await a_cohort(intake, FLOOR)
    assert await sealed(intake, fitting, registry.digest, *asked) == httpx.codes.OK
    assert (await scope(intake))["erasures"] == FLOOR
    other, _ = await a_cohort(intake, 2)
    assert await sealed(intake, other, registry.digest, *asked) == httpx.codes.CONFLICT
    assert (await scope(intake))["waiting"] == 2


async def test_an_organisation_that_is_stopped_holds_up_no_other(
    intake: Intake, registry: Registry
) -> None:
    backups, others = of(registry, "backup-provider"), systems(registry, "backup-provider")
    statuses = []
    for _ in range(3):
        one = await submitted(intake)
        statuses.append(await sealed(intake, one["id"], registry.digest, backups, *others))
    assert statuses == [200, 200, 409]
    assert await sealed(intake, one["id"], registry.digest, *others) == httpx.codes.OK
    assert await sealed(intake, one["id"], registry.digest, backups) == httpx.codes.CONFLICT
    assert (await scope(intake))["erasures"] == 3  # counted once, for all its organisations
    assert (await scope(intake, "backup-provider"))["waiting"] == 1


async def test_two_people_let_go_on_what_waits_and_no_more(
    intake: Intake, registry: Registry
) -> None:
    asked = systems(registry, "backup-provider")
    one = await trip(intake, registry)
    proposal = (await propose(intake)).json()
    assert (proposal["extra"], proposal["approved_by"]) == (1, None)
    assert await sealed(intake, one["id"], registry.digest, *asked) == httpx.codes.CONFLICT
    same = await approve(intake, proposal["id"], by=intake.desk)
    assert (same.status_code, same.json()["type"].rpartition(":")[2]) == (409, "same_person")
    released = await approve(intake, proposal["id"])
    assert released.json()["approved_by"] not in {None, proposal["proposed_by"]}
    assert await sealed(intake, one["id"], registry.digest, *asked) == httpx.codes.OK
    again = await submitted(intake)
    assert await sealed(intake, again["id"], registry.digest, *asked) == httpx.codes.CONFLICT
    assert (await approve(intake, proposal["id"], by=intake.officer)).status_code == 409


async def test_a_release_of_the_whole_group_is_one_of_each_organisation(
    intake: Intake, registry: Registry
) -> None:
    backups, others = of(registry, "backup-provider"), systems(registry, "backup-provider")
    requests = [await submitted(intake) for _ in range(FLOOR + 1)]
    for one in requests:
        for asked in (others, [backups]):
            await sealed(intake, one["id"], registry.digest, *asked)
    assert [one["scope"] for one in (await breaker(intake))["scopes"] if one["tripped_at"]] == [
        "*",
        "backup-provider",
    ]
    proposal = (await propose(intake, extra=10)).json()
    assert (await approve(intake, proposal["id"])).status_code == httpx.codes.OK
    for one in requests:
        assert await sealed(intake, one["id"], registry.digest, backups, *others) == httpx.codes.OK


async def test_a_proposal_is_for_the_stop_that_it_was_made_for(
    intake: Intake, registry: Registry
) -> None:
    await trip(intake, registry)
    first, second = (await propose(intake)).json(), (await propose(intake)).json()
    assert (await approve(intake, first["id"])).status_code == httpx.codes.OK
    late = await approve(intake, second["id"])
    assert (late.status_code, late.json()["type"].rpartition(":")[2]) == (409, "not_tripped")
    nothing = await propose(intake)
    assert nothing.status_code == httpx.codes.CONFLICT
    assert (await propose(intake, "no-such-organisation")).status_code == 422


async def test_together_calls_at_one_time_let_no_more_pass_than_the_limit(
    intake: Intake, registry: Registry
) -> None:
    asked = systems(registry, "backup-provider")
    requests = [await submitted(intake) for _ in range(3 * FLOOR)]
    statuses = await asyncio.gather(
        *(sealed(intake, one["id"], registry.digest, *asked) for one in requests)
    )
    assert sorted(statuses) == [200] * FLOOR + [409] * 2 * FLOOR
    assert (await scope(intake))["waiting"] == 2 * FLOOR


async def test_a_stop_lasts_until_it_is_released_though_its_window_has_passed(
    intake: Intake, registry: Registry
) -> None:
    one = await trip(intake, registry)
    await intake.pool.execute(
        "update intake.breaker_counts set minute = minute - interval '2 hours'"
    )
    asked = systems(registry, "backup-provider")
    assert await sealed(intake, one["id"], registry.digest, *asked) == httpx.codes.CONFLICT
    assert (await scope(intake))["erasures"] == 0


async def test_who_erases_slowly_all_day_is_stopped_as_well(
    intake: Intake, registry: Registry
) -> None:
    asked = systems(registry, "backup-provider")

    async def is_hours_ago(hours: int) -> None:
        for what in ("counts set minute = minute", "releases set approved_at = approved_at"):
            column = what.split()[2]
            await intake.pool.execute(
                f"update intake.breaker_{what} - $1::interval where {column} > now() - interval '5 minutes'",
                timedelta(minutes=61 * hours),
            )

    statuses = []
    for hours in range(A_DAY + 1, 0, -1):
        one = await submitted(intake)
        statuses.append(await sealed(intake, one["id"], registry.digest, *asked))
        await is_hours_ago(hours)
    assert statuses == [200] * A_DAY + [409]
    where = await scope(intake)
    assert (where["day_erasures"], where["day_limit"], where["erasures"]) == (A_DAY, A_DAY, 0)
    proposal = (await propose(intake)).json()
    assert (await approve(intake, proposal["id"])).status_code == httpx.codes.OK
    assert await sealed(intake, one["id"], registry.digest, *asked) == httpx.codes.OK
    await is_hours_ago(1)
    another = await submitted(intake)
    assert await sealed(intake, another["id"], registry.digest, *asked) == httpx.codes.CONFLICT


async def test_a_day_later_as_many_may_pass_again(intake: Intake, registry: Registry) -> None:
    asked = systems(registry, "backup-provider")
    fitting, _ = await a_cohort(intake, FLOOR)
    assert await sealed(intake, fitting, registry.digest, *asked) == httpx.codes.OK
    await intake.pool.execute(
        "update intake.breaker_counts set minute = minute - interval '20 hours', erasures = $1",
        A_DAY,
    )
    assert (await scope(intake))["day_erasures"] == A_DAY
    await intake.pool.execute(
        "update intake.breaker_counts set minute = minute - interval '4 hours'"
    )
    assert (await scope(intake))["day_erasures"] == 0
    one = await submitted(intake)
    assert await sealed(intake, one["id"], registry.digest, *asked) == httpx.codes.OK


async def test_the_request_says_that_the_breaker_keeps_it_open(
    intake: Intake, registry: Registry, verifier: VerifierDouble
) -> None:
    one = await trip(intake, registry)
    system_id = systems(registry, "backup-provider")[0]
    verifier.obligations[one["id"]] = {
        "opened_at": one["received_at"],
        "obligations": [
            {
                "system_id": system_id,
                "is_confirmed": False,
                "is_contradicted": False,
                "disposition": None,
                "answered_at": None,
                "retry_at": None,
                "reason": None,
            }
        ],
    }
    path = f"/v1/subject-requests/{one['id']}/blockers"
    found = (await intake.http.get(path)).json()
    [blocker] = found["blockers"]
    assert (blocker["kind"], blocker["owner"]) == ("breaker_tripped", "Privacy office")
    assert system_id in json.dumps(blocker)
    assert (await shown(intake, one["id"]))["state"] == "open"
