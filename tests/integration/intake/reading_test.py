from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from support.builders import MARKER, an_id
from support.intake import Intake, VerifierDouble
from support.submissions import a_submission

BASE = "/v1/subject-requests"


async def test_list_is_paged_and_filtered(intake: Intake) -> None:
    headers = await intake.client()
    ids = []
    for n in range(7):
        body = a_submission(n, jurisdiction=("US-CA", "US-VA")[n % 2])
        ids.append((await intake.http.post(BASE, json=body, headers=headers)).json()["id"])
    seen: list[str] = []
    cursor = None
    while True:
        parameters = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await intake.http.get(BASE, params=parameters, headers=headers)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]

    async def listed(**parameters: str) -> list[str]:
        answer = await intake.http.get(BASE, params=parameters, headers=headers)
        return [one["id"] for one in answer.json()["items"]]

    assert await listed(jurisdiction="US-CA") == ids[::2][::-1]
    assert await listed(right="deletion") == ids[::-1]
    assert await listed(right="access") == []
    assert await listed(state="answered") == []
    assert await listed(jurisdiction="DE") == []
    assert await listed(received_before="2020-01-01T00:00:00Z") == []
    assert len(await listed(received_after="2020-01-01T00:00:00Z")) == 7


@pytest.mark.parametrize(
    "query",
    [
        "cursor=AAAAAAAAAAAAAAAAAAAA",
        "cursor=%00",
        "state=lost",
        "limit=0",
        "limit=201",
        "limit=99999999999999999999999",
        "received_after=yesterday",
        "received_after=2026-02-30T00:00:00Z",
        "received_after=9999-12-31T23:59:59-01:00",
        "received_before=9999-12-31T23:59:59-01:00",
        "jurisdiction=%00",
        "jurisdiction=ZZ",
    ],
)
async def test_wrong_query_is_refused_by_its_name(intake: Intake, query: str) -> None:
    refused = await intake.http.get(f"{BASE}?{query}")
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == [f"/{query.partition('=')[0]}"]


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-01:00", "1000-01-01T00:00:00+23:59"])
async def test_a_submission_of_a_time_that_cannot_be_stored_is_refused(
    intake: Intake, at: str
) -> None:
    refused = await intake.http.post(BASE, json=a_submission(received_at=at))
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/received_at"]


async def test_cursor_of_any_bytes_is_no_fault(intake: Intake) -> None:
    assert (await intake.http.get(f"{BASE}?cursor=______________________")).status_code == 200


@pytest.mark.parametrize("path", ["", "/obligations", "/closure", "/events"])
async def test_unknown_id_is_not_found_and_wrong_id_is_refused(intake: Intake, path: str) -> None:
    assert (await intake.http.get(f"{BASE}/{an_id(99)}{path}")).status_code == 404
    assert (await intake.http.get(f"{BASE}/not-an-id{path}")).status_code == 422
    assert (await intake.http.get(f"{BASE}/%00%ff{path}")).status_code == 422


async def test_obligations_are_empty_until_the_ledger_has_seen_the_request(
    intake: Intake, verifier: VerifierDouble
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    links = one["links"]
    early = (await intake.http.get(links["obligations"])).json()
    assert (early["expected"], early["obligations"]) == (None, [])
    assert early["due_at"] == one["due_at"]
    assert (await intake.http.get(links["closure"])).status_code == 404
    verifier.obligations[one["id"]] = {"expected": 2}
    verifier.closures[one["id"]] = {"outcome": "fulfilled"}
    assert (await intake.http.get(links["obligations"])).json() == {"expected": 2}
    assert (await intake.http.get(links["closure"])).json() == {"outcome": "fulfilled"}


async def test_no_answer_shows_an_identifier(intake: Intake) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    for path in (one["links"]["self"], BASE):
        assert MARKER not in (await intake.http.get(path)).text


async def test_revoked_client_is_refused_at_once(intake: Intake) -> None:
    headers = await intake.client()
    assert (await intake.http.get(BASE, headers=headers)).status_code == 200
    client_id = headers["authorization"].split("_")[1]
    url = f"/internal/v1/clients/{client_id}"
    for _ in range(2):
        gone = await intake.http.delete(url, headers=intake.officer, params={"reason": "closed"})
        assert gone.status_code == 204
    assert (await intake.http.get(BASE, headers=headers)).status_code == 401
    listed = (await intake.http.get("/internal/v1/clients", headers=intake.officer)).json()
    revoked = {one["client_id"]: one["revoked_at"] for one in listed["clients"]}
    assert revoked[client_id] is not None
    assert "api_key" not in orjson.dumps(listed).decode()


async def test_chunked_body_beyond_the_limit_is_refused(intake: Intake) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65_536

    refused = await intake.http.post(
        BASE, content=parts(), headers={"content-type": "application/json"}
    )
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_path_names_all_its_methods(intake: Intake) -> None:
    refused = await intake.http.put(BASE)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST")


async def test_many_at_once_share_transactions_and_all_are_stored(intake: Intake) -> None:
    headers = await intake.client()

    async def call(n: int) -> str:
        answer = await intake.http.post(BASE, json=a_submission(n), headers=headers)
        assert answer.status_code == 202
        return answer.json()["id"]

    ids = await asyncio.gather(*(call(n) for n in range(80)))
    stored = await intake.pool.fetchval(
        "select count(*) from intake.subject_requests where client_id = $1",
        headers["authorization"].split("_")[1],
    )
    assert stored == len(set(ids)) == 80


async def test_a_request_pins_its_rules_and_explains_its_dates(intake: Intake) -> None:
    body = a_submission(1, jurisdiction="GB", received_at="2026-01-31T12:00:00Z")
    accepted = (await intake.http.post(BASE, json=body)).json()
    shown = (await intake.http.get(f"{BASE}/{accepted['id']}")).json()
    dates = (await intake.http.get(accepted["links"]["timeline"])).json()
    assert accepted["due_at"] == "2026-03-02T23:59:59Z"
    assert (shown["regime"], dates["regime"], dates["zone"]) == (
        "uk_gdpr",
        "uk_gdpr",
        "Europe/London",
    )
    assert shown["rules_digest"] == accepted["rules_digest"] == dates["rules_digest"]
    assert shown["regime_why"] == "UK General Data Protection Regulation applies in GB"
    [respond_by] = [one for one in dates["entries"] if one["name"] == "respond_by"]
    assert respond_by["at"] == "2026-03-02T23:59:59+00:00"
    assert respond_by["why"].startswith("1 month after 2026-01-31 is 2026-02-28, a Saturday; moved")


async def test_nobody_reads_the_dates_of_others(intake: Intake) -> None:
    accepted = (await intake.http.post(BASE, json=a_submission(2))).json()
    others = await intake.client()
    answer = await intake.http.get(accepted["links"]["timeline"], headers=others)
    assert answer.status_code == 404
