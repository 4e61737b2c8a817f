"""What callers write is stored as they wrote it, and neither PostgreSQL nor a header takes it for more."""

from __future__ import annotations

import pytest

from support.decisions import BASE, INTERNAL, shown, submitted, withdraw
from support.holds import WORDS
from support.intake import Intake
from support.submissions import a_submission

ATTACKS = [
    "'; drop table intake.subject_requests; --",
    "' or '1'='1",
    "x') returning secret_hash --",
    "$1; select pg_sleep(30)",
    "%s %(x)s :x ? \\'; --",
    "=cmd|' /C calc'!A0",
    "{{ 7191 * 7193 }}${7191*7193}<script>",
    "x\r\nSet-Cookie: a=b\r\n\r\n{}",
]


async def counted(intake: Intake) -> int:
    return int(await intake.pool.fetchval("select count(*) from intake.subject_requests"))


@pytest.mark.parametrize("said", ATTACKS)
async def test_what_is_written_is_kept_as_it_was_written(intake: Intake, said: str) -> None:
    value = said.partition("\r")[0]
    one = await submitted(intake, identity=[{"kind": "account_id", "value": value}])
    before = await counted(intake)
    withdrawn = await withdraw(intake, one["id"], reason=said)
    assert withdrawn.status_code == (422 if "\n" in said else 200)
    reasons = await intake.pool.fetch(
        "select reason from intake.decisions where request_id = $1", one["id"]
    )
    assert (said in {row["reason"] for row in reasons}) is withdrawn.is_success
    placed = await intake.http.post(
        f"{INTERNAL}/holds",
        headers=intake.desk,
        json=WORDS | {"request_id": (await submitted(intake))["id"], "reason": said[:100]},
    )
    assert placed.status_code in {201, 422}
    for answer in (withdrawn, placed):
        assert "set-cookie" not in answer.headers
    assert await counted(intake) == before + 1
    assert (await shown(intake, one["id"]))["id"] == one["id"]


@pytest.mark.parametrize("said", ATTACKS)
@pytest.mark.parametrize(
    "name", ["state", "right", "jurisdiction", "cursor", "limit", "received_before"]
)
async def test_a_query_asks_for_no_more_than_its_field(
    intake: Intake, name: str, said: str
) -> None:
    refused = await intake.http.get(BASE, params={name: said})
    assert refused.status_code == 422
    assert said not in refused.text
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("said", ATTACKS[:-1])  # no client of HTTP sends the last in a header
async def test_a_key_or_an_id_is_no_part_of_a_query(intake: Intake, said: str) -> None:
    other = {"authorization": f"Bearer {said}"}
    assert (await intake.http.get(BASE, headers=other)).status_code == 401
    key = {"idempotency-key": said}
    assert (await intake.http.post(BASE, json=a_submission(), headers=key)).status_code in {
        400,
        422,
    }
    found = await intake.http.get(f"{BASE}/{said.replace('/', '').replace('?', '')}")
    assert found.status_code in {404, 422}
    assert await counted(intake) > 0
