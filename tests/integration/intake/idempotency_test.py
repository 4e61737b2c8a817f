from __future__ import annotations

import asyncio
import hmac

import httpx

from support.intake import Intake
from support.submissions import a_submission

BASE = "/v1/subject-requests"
LOOKUP_KEY = b"lookup".ljust(32)


async def test_same_key_and_body_gives_the_same_answer(intake: Intake) -> None:
    headers = {"idempotency-key": "same"}
    first = await intake.http.post(BASE, json=a_submission(), headers=headers)
    second = await intake.http.post(BASE, json=a_submission(), headers=headers)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert await _count(intake, first.json()["id"]) == 1


async def test_order_of_fields_and_white_space_do_not_make_another_body(intake: Intake) -> None:
    headers = {"idempotency-key": '"in quotes"'.replace(" ", "-")}
    body = a_submission()
    first = await intake.http.post(BASE, json=body, headers=headers)
    turned = dict(reversed(body.items())) | {"channel": "api"}
    second = await intake.http.post(BASE, json=turned, headers=headers)
    assert first.json()["id"] == second.json()["id"]


async def test_same_key_and_other_body_is_refused(intake: Intake) -> None:
    headers = {"idempotency-key": "other-body"}
    await intake.http.post(BASE, json=a_submission(1), headers=headers)
    refused = await intake.http.post(BASE, json=a_submission(2), headers=headers)
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:dsr:problem:idempotency_key_reused"


async def test_key_of_an_uncommitted_transaction_is_still_running(intake: Intake) -> None:
    client_id = intake.api_key.split("_")[1]
    key = hmac.digest(LOOKUP_KEY, f"idempotency-key\x00{client_id}\x00held".encode(), "sha256")
    lock = int.from_bytes(key[:8], "big", signed=True)
    headers = {"idempotency-key": "held"}
    async with intake.pool.acquire() as other, other.transaction():
        await other.execute("select pg_advisory_xact_lock($1)", lock)
        held = await intake.http.post(BASE, json=a_submission(), headers=headers)
        unrelated = await intake.http.post(BASE, json=a_submission())
    assert (held.status_code, unrelated.status_code) == (409, 202)
    assert held.headers["retry-after"] == "1"
    after = await intake.http.post(BASE, json=a_submission(), headers=headers)
    assert after.status_code == 202


async def test_concurrent_calls_with_one_key_make_one_request(intake: Intake) -> None:
    headers = {"idempotency-key": "race"}

    async def call() -> httpx.Response:
        return await intake.http.post(BASE, json=a_submission(), headers=headers)

    answers = await asyncio.gather(*(call() for _ in range(30)))
    assert {one.status_code for one in answers} <= {202, 409}
    assert len({one.json()["id"] for one in answers if one.status_code == 202}) == 1


async def test_keys_are_each_clients_own(intake: Intake) -> None:
    headers = {"idempotency-key": "shared"}
    mine = await intake.http.post(BASE, json=a_submission(), headers=headers)
    other = headers | await intake.client()
    theirs = await intake.http.post(BASE, json=a_submission(), headers=other)
    assert mine.json()["id"] != theirs.json()["id"]
    hidden = await intake.http.get(mine.headers["location"], headers=other)
    assert hidden.status_code == 404


async def test_key_that_is_no_key_is_refused(intake: Intake) -> None:
    refused = await intake.http.post(
        BASE, json=a_submission(), headers={"idempotency-key": "two words"}
    )
    assert refused.status_code == 400


async def test_neither_key_nor_body_is_stored_in_a_form_that_can_be_guessed(intake: Intake) -> None:
    secret = "someone@example.com"
    headers = {"idempotency-key": secret}
    await intake.http.post(BASE, json=a_submission(), headers=headers)
    rows = await intake.pool.fetch("select key, content from intake.idempotency_keys")
    assert all(len(row["key"]) == len(row["content"]) == 32 for row in rows)
    assert not any(secret.encode() in row["key"] for row in rows)


async def _count(intake: Intake, request_id: str) -> int:
    return await intake.pool.fetchval(
        "select count(*) from intake.subject_requests where id = $1", request_id
    )
