"""Who asks is proven by a code or a link that was mailed: once, in time, and telling nobody anything."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest
from integration.intake.letters_test import last_text, letter_in, letters, writing

from support.intake import Intake
from support.post import MailServer
from support.submissions import a_submission
from support.waiting import eventually

BASE = "/v1/subject-requests"
CONTACT = {"categories": ["user.contact"], "organisation_ids": []}
OWN = {"kind": "email", "value": "aaa-asker@example.com"}

__all__ = ["writing"]


async def awaiting(intake: Intake, number: int, **changes: Any) -> str:
    body = a_submission(number, identity_attested=False, scope=CONTACT, **changes)
    body["identity"] = body["identity"][:1] if "identity" not in changes else changes["identity"]
    response = await intake.http.post(BASE, json=body)
    assert response.status_code == httpx.codes.ACCEPTED, response.text
    return str(response.json()["id"])


async def ask(intake: Intake, request_id: str) -> httpx.Response:
    return await intake.http.post(f"{BASE}/{request_id}/identity/code")


async def give(intake: Intake, request_id: str, **proof: str) -> httpx.Response:
    return await intake.http.post(f"{BASE}/{request_id}/identity/proof", json=proof)


async def mailed(intake: Intake, post: MailServer, request_id: str) -> dict[str, str]:
    await letter_in(intake, request_id, "identity_needed", "sent")
    text = await last_text(post, request_id)
    code = re.search(r"\b([0-9A-Z]{4}-[0-9A-Z]{4})\b", text)
    token = re.search(rf"{request_id}#(\S+)", text)
    assert code is not None
    assert token is not None
    return {"code": code[1], "token": token[1]}


async def make_older(intake: Intake, request_id: str, column: str, by: str) -> None:
    await intake.pool.execute(
        f"update intake.identity_codes set {column} = {column} - $2::text::interval"
        " where request_id = $1",
        request_id,
        by,
    )


@pytest.mark.parametrize("by", ["code", "token"])
async def test_what_was_mailed_opens_the_request_once(
    writing: Intake, post: MailServer, by: str
) -> None:
    request_id = await awaiting(writing, 1)
    assert (await ask(writing, request_id)).status_code == httpx.codes.ACCEPTED
    proof = {by: (await mailed(writing, post, request_id))[by]}
    answers = await asyncio.gather(*(give(writing, request_id, **proof) for _ in range(4)))
    opened = [one for one in answers if one.status_code == httpx.codes.OK]
    assert len(opened) == 1
    assert opened[0].json()["state"] == "open"
    row = await writing.pool.fetchrow(
        "select identity_method from intake.subject_requests where id = $1", request_id
    )
    assert row["identity_method"] == "one_time_code"
    assert (await give(writing, request_id, **proof)).status_code == 422


async def test_wrong_expired_and_used_up_are_answered_alike(
    writing: Intake, post: MailServer
) -> None:
    request_id = await awaiting(writing, 2)
    never_asked = await give(writing, request_id, code="00000000")
    await ask(writing, request_id)
    proof = await mailed(writing, post, request_id)
    wrong = await give(writing, request_id, code="ZZZZ-ZZZZ")
    await make_older(writing, request_id, "expires_at", "1 hour")
    expired = await give(writing, request_id, code=proof["code"])
    assert {one.status_code for one in (never_asked, wrong, expired)} == {422}
    assert never_asked.json() == wrong.json() == expired.json()


async def test_after_five_tries_only_a_new_code_helps(writing: Intake, post: MailServer) -> None:
    request_id = await awaiting(writing, 3)
    await ask(writing, request_id)
    first = await mailed(writing, post, request_id)
    for _ in range(5):
        assert (await give(writing, request_id, code="ZZZZ-ZZZZ")).status_code == 422
    assert (await give(writing, request_id, code=first["code"])).status_code == 422
    await make_older(writing, request_id, "issued_at", "2 minutes")
    await ask(writing, request_id)
    await eventually(lambda: len(post.to(request_id)) == 3)
    second = await mailed(writing, post, request_id)
    assert second["code"] != first["code"]
    assert (await give(writing, request_id, code=first["code"])).status_code == 422
    assert (await give(writing, request_id, code=second["code"])).status_code == 200


async def test_new_codes_are_limited_and_nothing_is_said_of_it(writing: Intake) -> None:
    request_id = await awaiting(writing, 4)
    answers = [await ask(writing, one) for one in (request_id, request_id)]
    number = "select number from intake.identity_codes where request_id = $1"
    assert await writing.pool.fetchval(number, request_id) == 1
    for _ in range(12):
        await make_older(writing, request_id, "issued_at", "2 minutes")
        answers.append(await ask(writing, request_id))
    assert await writing.pool.fetchval(number, request_id) == 10
    assert {one.status_code for one in answers} == {202}
    assert len({one.text for one in answers}) == 1


async def test_where_a_code_does_not_suffice_it_is_said_what_does(writing: Intake) -> None:
    body = a_submission(6, identity_attested=False)  # by a number that those who are paid know
    request_id = (await writing.http.post(BASE, json=body)).json()["id"]
    for answer in (await ask(writing, request_id), await give(writing, request_id, code="X")):
        assert answer.status_code == httpx.codes.CONFLICT
        assert "proven by attested or operator, not by one_time_code" in answer.json()["detail"]


@pytest.mark.parametrize(
    "beside",
    [
        [OWN, {"kind": "email", "value": "somebody-else@example.com"}],
        [OWN, {"kind": "customer_number", "value": "C-77"}],
        [{"kind": "phone", "value": "+4915112345678"}],
    ],
    ids=["another address", "a number", "no address"],
)
async def test_a_code_to_one_address_proves_no_other_identifier(
    writing: Intake, beside: list[dict[str, str]]
) -> None:
    request_id = await awaiting(writing, 5, identity=beside)
    for answer in (await ask(writing, request_id), await give(writing, request_id, code="X")):
        problem = answer.json()
        assert answer.status_code == httpx.codes.CONFLICT
        assert problem["type"].endswith(":code_proves_too_little")
        assert "an operator's decision" in problem["detail"]
    number = "select count(*) from intake.identity_codes where request_id = $1"
    assert await writing.pool.fetchval(number, request_id) == 0
    assert "identity_needed" not in await letters(writing, request_id)
    [blocker] = (await writing.http.get(f"{BASE}/{request_id}/blockers")).json()["blockers"]
    assert "a code proves one email address" in blocker["what"]


async def test_a_letter_with_a_code_that_proves_too_little_is_given_up(writing: Intake) -> None:
    identity = [OWN, {"kind": "email", "value": "somebody-else@example.com"}]
    request_id = await awaiting(writing, 9, identity=identity)
    await writing.pool.execute(
        "insert into intake.letters (request_id, kind, number, state, next_try_at, waiting_since)"
        " values ($1, 'identity_needed', 1, 'waiting', now(), now())",
        request_id,
    )
    letter = await letter_in(writing, request_id, "identity_needed", "given_up")
    assert letter["reason"] == "code_proves_too_little"


async def test_another_client_learns_nothing(writing: Intake) -> None:
    request_id = await awaiting(writing, 7)
    other = await writing.client()
    for path, body in (("code", None), ("proof", {"code": "X"})):
        answer = await writing.http.post(
            f"{BASE}/{request_id}/identity/{path}", headers=other, json=body
        )
        assert answer.status_code == httpx.codes.NOT_FOUND


async def test_neither_a_code_nor_a_hash_of_it_is_kept(writing: Intake, post: MailServer) -> None:
    request_id = await awaiting(writing, 8)
    await ask(writing, request_id)
    proof = await mailed(writing, post, request_id)
    rows = await writing.pool.fetch("select c::text as row from intake.identity_codes c")
    kept = " ".join(row["row"] for row in rows)
    assert proof["token"] not in kept
    assert proof["code"].replace("-", "") not in kept
