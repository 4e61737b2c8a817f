"""The read API over the real ledger."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from integration.verifier.processes import TOKEN
from unit.verifier.linking import finding
from unit.verifier.world import (
    REGISTRY,
    World,
    a_new_request_id,
    answer,
    answers_of_all,
    batch,
)

from dsr_core.exports import Delivery
from dsr_core.rights import Disposition, Right
from dsr_verifier.adapters.statements import ADD_CHANGES
from dsr_verifier.views import Cursor
from support.builders import NOW, an_id


async def changes_after(client: httpx.AsyncClient, cursor: str, **more: Any) -> tuple[Any, str]:
    answer = (await client.get("/v1/changes", params={"after": cursor, **more})).json()
    return answer["changes"], answer["cursor"]


async def test_obligations(client: httpx.AsyncClient, world: World) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.record([batch(answer(request_id, disposition=Disposition.PARTIALLY_EXEMPT))])
    document = (await client.get(f"/v1/requests/{request_id}/obligations")).json()
    assert document["request_id"] == document["cohort_id"] == request_id
    assert (document["right"], document["regime"]) == ("deletion", "default")
    assert document["registry_digest"] == REGISTRY.digest
    assert (document["expected"], document["open"], document["closed_at"]) == (2, 1, None)
    assert datetime.fromisoformat(document["due_at"]) == NOW + timedelta(days=30)
    crm, mailer = document["obligations"]
    assert (crm["system_id"], crm["organisation_id"]) == ("crm", "example-group")
    assert (crm["is_confirmed"], crm["disposition"]) == (True, "partially_exempt")
    assert crm["exemptions"] == [
        {
            "ground": "HGB 257",
            "review_at": (NOW + timedelta(days=3650)).isoformat(),
            "categories": ["user.financial"],
            "records": 3,
        }
    ]
    assert mailer == {
        "system_id": "mailer",
        "organisation_id": "example-mail",
        "phase": 0,
        "is_held": False,
        "answers_for": [],
        "is_confirmed": False,
        "is_contradicted": False,
        "contradicts_closure": False,
        "disposition": None,
        "sequence": 0,
        "records": 0,
        "exemptions": [],
        "reason": "",
        "answered_at": None,
        "recorded_at": None,
        "retry_at": None,
        "settled_by": None,
        "delivery": None,
    }


async def test_obligations_tell_what_contradicts_the_closure_and_the_closure_stays(
    client: httpx.AsyncClient, world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.record(answers_of_all(request_id))
    closure = (await client.get(f"/v1/requests/{request_id}/closure")).json()
    found = []
    for disposition, sequence in ((Disposition.FAILED, 2), (Disposition.ERASED, 3)):
        await world.record([batch(answer(request_id, "crm", disposition, sequence=sequence))])
        document = (await client.get(f"/v1/requests/{request_id}/obligations")).json()
        crm, mailer = document["obligations"]
        assert (crm["disposition"], crm["is_confirmed"], crm["sequence"]) == ("erased", True, 1)
        found.append((crm["contradicts_closure"], mailer["contradicts_closure"]))
    assert found == [(True, False), (False, False)]
    assert (await client.get(f"/v1/requests/{request_id}/closure")).json() == closure


async def test_acknowledgements(client: httpx.AsyncClient, world: World) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    failed = answer(
        request_id,
        disposition=Disposition.FAILED,
        reason="the store is locked",
        retry_at=NOW + timedelta(hours=1),
    )
    await world.record([batch(failed)])
    world.pass_time(timedelta(seconds=1))
    await world.record([batch(answer(request_id, sequence=2))])
    document = (await client.get(f"/v1/requests/{request_id}/acknowledgements")).json()
    first, second = document["acknowledgements"]
    assert (first["sequence"], first["disposition"]) == (1, "failed")
    assert (first["reason"], first["index"]) == ("the store is locked", 0)
    assert (second["sequence"], second["disposition"]) == (2, "erased")
    assert first["batch_id"] != second["batch_id"]


async def test_what_was_handed_over_is_shown_with_its_obligation_and_with_its_answer(
    client: httpx.AsyncClient, world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id, right=Right.ACCESS)
    delivery = Delivery(
        export_id=an_id(7),
        sealed_key=b"sealed",
        size=1000,
        index_size=90,
        index_digest=bytes(range(32)),
        files=2,
    )
    handed_over = answer(
        request_id, disposition=Disposition.DELIVERED, right=Right.ACCESS, delivery=delivery
    )
    await world.record([batch(handed_over)])
    shown = {
        "export_id": an_id(7),
        "sealed_key": b"sealed".hex(),
        "size": 1000,
        "index_size": 90,
        "index_digest": bytes(range(32)).hex(),
        "files": 2,
    }
    document = (await client.get(f"/v1/requests/{request_id}/obligations")).json()
    assert [one["delivery"] for one in document["obligations"]] == [shown, None]
    document = (await client.get(f"/v1/requests/{request_id}/acknowledgements")).json()
    assert [one["delivery"] for one in document["acknowledgements"]] == [shown]


async def test_closure(client: httpx.AsyncClient, world: World) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    assert (await client.get(f"/v1/requests/{request_id}/closure")).status_code == 404
    (closure,) = (await world.record(answers_of_all(request_id))).closures
    document = (await client.get(f"/v1/requests/{request_id}/closure")).json()
    assert document == {
        "request_id": request_id,
        "cohort_id": request_id,
        "right": "deletion",
        "outcome": "fulfilled",
        "closed_at": closure.closed_at.isoformat(),
        "obligations": 2,
        "evidence_digest": closure.evidence_digest.hex(),
        "registry_digest": REGISTRY.digest,
    }


async def test_progress_of_many(client: httpx.AsyncClient, world: World) -> None:
    first, second, unknown = (a_new_request_id() for _ in range(3))
    await world.open(first, second)
    await world.record([batch(answer(second))])
    query = {"request_ids": [second, unknown, first]}
    document = (await client.post("/v1/progress:read", json=query)).json()
    assert document["requests"] == [
        {
            "request_id": second,
            "expected": 2,
            "open": 1,
            "closed_at": None,
            "systems": {"crm": "erased", "mailer": None},
            "confirmed": ["crm"],
            "contradicted": [],
            "held": [],
        },
        {
            "request_id": first,
            "expected": 2,
            "open": 2,
            "closed_at": None,
            "systems": {"crm": None, "mailer": None},
            "confirmed": [],
            "contradicted": [],
            "held": [],
        },
    ]


async def test_who_is_missing_in_a_cohort(client: httpx.AsyncClient, world: World) -> None:
    first, second = a_new_request_id(), a_new_request_id()
    await world.open(first, second)
    await world.record(answers_of_all(first))
    failed = answer(second, disposition=Disposition.FAILED)
    await world.record([batch(failed), batch(answer(second, "mailer"), by="mailer")])
    document = (await client.get(f"/v1/cohorts/{first}/missing")).json()
    assert document == {
        "cohort_id": first,
        "open_requests": 1,
        "systems": {"crm": [second]},
        "held": {},
        "phases": [],
    }


async def test_unknown_cohort_is_not_found_rather_than_missing_nobody(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(f"/v1/cohorts/{a_new_request_id()}/missing")
    assert answer.status_code == 404
    assert answer.json()["type"].endswith(":unknown_cohort")


async def test_nobody_is_missing_in_an_answered_cohort(
    client: httpx.AsyncClient, world: World
) -> None:
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.record(answers_of_all(request_id))
    document = (await client.get(f"/v1/cohorts/{request_id}/missing")).json()
    assert document == {
        "cohort_id": request_id,
        "open_requests": 0,
        "systems": {},
        "held": {},
        "phases": [],
    }


async def test_changes_from_now_on(client: httpx.AsyncClient, world: World) -> None:
    await world.open(a_new_request_id())
    start = (await client.get("/v1/changes")).json()
    assert start["changes"] == []
    request_id = a_new_request_id()
    await world.open(request_id)
    await world.record(answers_of_all(request_id))
    changes, cursor = await changes_after(client, start["cursor"])
    assert [
        (one["request_id"], one["system_id"], one["disposition"], one["is_confirmed"])
        for one in changes
    ] == [
        (request_id, None, None, False),
        (request_id, "crm", "erased", True),
        (request_id, "mailer", "erased", True),
        (request_id, None, None, True),
    ]
    assert (await changes_after(client, cursor))[0] == []


async def test_changes_in_steps_are_the_same_changes(
    client: httpx.AsyncClient, world: World
) -> None:
    cursor = (await client.get("/v1/changes")).json()["cursor"]
    request_ids = [a_new_request_id() for _ in range(5)]
    await world.open(*request_ids)
    for request_id in request_ids:
        await world.record(answers_of_all(request_id))
    whole, _ = await changes_after(client, cursor)
    assert len(whole) == 20
    steps: list[Any] = []
    while True:
        changes, cursor = await changes_after(client, cursor, limit=3)
        if not changes:
            break
        assert len(changes) <= 3
        steps.extend(changes)
    assert [one | {"cursor": ""} for one in steps] == [one | {"cursor": ""} for one in whole]
    again, _ = await changes_after(client, whole[6]["cursor"])
    assert len(again) == 13


async def test_a_transaction_that_commits_late_is_not_passed_over(
    client: httpx.AsyncClient, pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    cursor = (await client.get("/v1/changes")).json()["cursor"]
    slow, fast = a_new_request_id(), a_new_request_id()
    async with pool.acquire() as connection:
        running = connection.transaction()
        await running.start()
        await connection.execute(ADD_CHANGES, NOW, f"{{{slow}}}", "{NULL}", "{NULL}", "{f}")
        await world.open(fast)
        changes, cursor = await changes_after(client, cursor)
        assert changes == [], "told of what is committed, past what is not"
        await running.commit()
    changes, _ = await changes_after(client, cursor)
    assert [one["request_id"] for one in changes] == [slow, fast]


async def test_a_cursor_that_the_feed_does_not_reach_is_refused(
    client: httpx.AsyncClient,
) -> None:
    old = str(Cursor(1, 0, seen_at=1_000_000_000))
    answer = await client.get("/v1/changes", params={"after": old})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:dsr:problem:cursor_expired")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/changes?after=rubbish",
        "/v1/changes?limit=0",
        "/v1/requests/not-an-id/obligations",
        "/v1/cohorts/not-an-id/missing",
    ],
)
async def test_what_is_not_a_question_is_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 422


@pytest.mark.parametrize("part", ["obligations", "acknowledgements", "closure"])
async def test_an_unknown_request_is_not_found(client: httpx.AsyncClient, part: str) -> None:
    answer = await client.get(f"/v1/requests/{a_new_request_id()}/{part}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_more_than_a_thousand_requests_are_refused(client: httpx.AsyncClient) -> None:
    query = {"request_ids": [a_new_request_id() for _ in range(1001)]}
    assert (await client.post("/v1/progress:read", json=query)).status_code == 422


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}"])
async def test_strangers_are_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get("/v1/changes", headers={"Authorization": token})
    assert answer.status_code == 401
    for path in ("/livez", "/readyz", "/metrics"):
        assert (await client.get(path, headers={"Authorization": ""})).status_code == 200


async def test_how_many_links_intake_was_told_of(client: httpx.AsyncClient, world: World) -> None:
    request_id, other = a_new_request_id(), a_new_request_id()
    await world.open(request_id)
    await world.open(other)
    await world.record([batch(finding(request_id), finding(request_id, 2))])
    asked = {"request_ids": [other, request_id]}
    [told] = (await client.post("/v1/links:read", json=asked)).json()["requests"]
    assert (told["request_id"], told["told"]) == (request_id, 2)
    assert datetime.fromisoformat(told["last_told_at"]) == NOW
