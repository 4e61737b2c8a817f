"""Requests that end without being followed: withdrawn, refused, referred."""

from __future__ import annotations

import httpx
import pytest
from integration.intake.closures_test import a_record, answered
from integration.intake.identity_test import awaiting, prove

from dsr_core.closing import Outcome
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.decisions import Stopped
from dsr_wire.topics import REQUESTS
from support.builders import an_id
from support.decisions import (
    BASE,
    INTERNAL,
    a_cohort,
    commands,
    decide,
    ended_cohorts,
    outcome_of,
    refuse,
    shown,
    standing,
    submitted,
    withdraw,
)
from support.intake import Intake, Topics
from support.submissions import a_submission

LONG_AGO = "2026-01-02T09:00:00Z"
BODIES = {
    "refusal": {"ground": "GDPR 12(5)(b)", "reason": "the fifth this week"},
    "referral": {"controller": "Example Airline", "pointer": "https://airline.example.com/privacy"},
}


async def give_up(intake: Intake, cohort_id: str) -> httpx.Response:
    path = f"{INTERNAL}/cohorts/{cohort_id}/stopping:give-up"
    return await intake.http.post(path, headers=intake.internal)


async def test_withdrawn_before_anybody_was_asked_it_ends_at_once(
    intake: Intake, topics: Topics
) -> None:
    one = await awaiting(intake)
    found = (await withdraw(intake, one["id"])).json()
    assert outcome_of(found) == ("answered", "withdrawn")
    keys = "select count(*) from intake_keys.request_keys where request_id = $1"
    assert await intake.pool.fetchval(keys, one["id"]) == 0
    assert await standing(intake, one["id"]) == (1, 0)
    assert await ended_cohorts(topics, {one["id"]}, 2) == [one["id"]]
    assert (await prove(intake, one["id"])).status_code == httpx.codes.CONFLICT


@pytest.mark.parametrize("is_late", [True, False], ids=["late", "in time"])
async def test_a_refusal_after_the_date_for_it_is_said_and_kept_as_a_breach(
    intake: Intake, *, is_late: bool
) -> None:
    at = {"received_at": LONG_AGO} if is_late else {}
    one = await submitted(intake, jurisdiction="GB", **at)
    found = (await refuse(intake, one["id"])).json()
    assert found["state"] == "stopping"
    kept = await intake.pool.fetchval(
        "select details->>'breach' from intake.decisions where request_id = $1 and kind = 'refuse'",
        one["id"],
    )
    assert kept == ("refusal_notice_by" if is_late else None)
    assert ("had to be told of a refusal by 2026-02-02" in str(found["breach"])) == is_late
    assert (found["breach"] is None) == (not is_late)


@pytest.mark.parametrize(
    ("what", "outcome"), [("refusal", Outcome.REFUSED), ("referral", Outcome.REFERRED)]
)
async def test_an_operator_ends_it_and_the_closure_says_how(
    intake: Intake,
    publisher: Publisher,
    topics: Topics,
    what: str,
    outcome: Outcome,
) -> None:
    home, ids = await a_cohort(intake, 2)
    answer = await decide(intake, ids[0], what, **BODIES[what])
    assert answer.json()["state"] == "stopping"
    [command] = await commands(topics, home)
    assert command.decision == Stopped(outcome)
    await publisher.publish([a_record(ids[0], ids[0], outcome=outcome)])
    assert outcome_of(await answered(intake, ids[0])) == ("answered", outcome.value)
    assert await standing(intake, ids[0]) == (1, 0)
    assert await standing(intake, home) == (2, 1)


async def test_a_closure_that_came_first_wins_and_is_told_truly(
    intake: Intake, publisher: Publisher
) -> None:
    one = await submitted(intake)
    await withdraw(intake, one["id"])
    await publisher.publish([a_record(one["id"], one["id"], outcome=Outcome.FULFILLED)])
    assert outcome_of(await answered(intake, one["id"])) == ("answered", "fulfilled")
    late = await refuse(intake, one["id"])
    assert late.status_code == httpx.codes.CONFLICT
    assert "not in answered" in late.json()["detail"]


async def test_stopping_is_bounded_by_the_legal_date(intake: Intake) -> None:
    early, late = await submitted(intake), await submitted(intake, received_at=LONG_AGO)
    for one in (early, late):
        await refuse(intake, one["id"])
    refused = await give_up(intake, early["id"])
    assert refused.status_code == httpx.codes.CONFLICT
    assert (await shown(intake, early["id"]))["state"] == "stopping"
    for _ in range(2):
        assert (await give_up(intake, late["id"])).json()["open_members"] == 0
    assert outcome_of(await shown(intake, late["id"])) == ("answered", "refused")


async def test_giving_up_leaves_alone_what_does_not_stop(intake: Intake) -> None:
    one = await submitted(intake, received_at=LONG_AGO)
    assert (await give_up(intake, one["id"])).json()["open_members"] == 1
    assert (await shown(intake, one["id"]))["state"] == "open"


async def test_only_the_client_that_submitted_it_withdraws_it(intake: Intake) -> None:
    one = await submitted(intake)
    path = f"/v1/subject-requests/{one['id']}/withdrawal"
    other = await intake.http.post(path, json={}, headers=await intake.client())
    assert other.status_code == httpx.codes.NOT_FOUND
    assert (await shown(intake, one["id"]))["state"] == "open"


async def test_what_is_not_as_documented_is_refused(intake: Intake) -> None:
    one = await submitted(intake)
    assert (await refuse(intake, an_id(1))).status_code == httpx.codes.NOT_FOUND
    assert (await refuse(intake, one["id"], ground="")).status_code == 422
    assert (await decide(intake, one["id"], "refusal", extra="x")).status_code == 422
    path = f"{INTERNAL}/subject-requests/{one['id']}/refusal"
    by_a_client = await intake.http.post(path, json={})
    assert by_a_client.status_code == httpx.codes.FORBIDDEN
    by_nobody = await intake.http.post(path, json={}, headers={"authorization": ""})
    assert by_nobody.status_code == httpx.codes.UNAUTHORIZED


async def test_data_that_is_a_customers_is_referred_at_once_and_nobody_is_asked(
    intake: Intake, topics: Topics
) -> None:
    body = a_submission(controller={"name": "Example Airline", "pointer": "airline.example.com"})
    headers = {"idempotency-key": "is-referred"}
    one = (await intake.http.post(BASE, json=body, headers=headers)).json()
    assert one["state"] == "answered"
    found = await shown(intake, one["id"])
    assert outcome_of(found) == ("answered", "referred")
    assert await standing(intake, one["id"]) == (1, 0)
    keys = "select count(*) from intake_keys.request_keys where request_id = $1"
    assert await intake.pool.fetchval(keys, one["id"]) == 0
    [row] = await intake.pool.fetch(
        "select details from intake.decisions where request_id = $1 and kind = 'refer'", one["id"]
    )
    assert "Example Airline" in row["details"]
    assert (await intake.http.post(BASE, json=body, headers=headers)).json() == one
    asked = await submitted(intake)  # told after it, so that the first would have been seen
    assert await ended_cohorts(topics, {one["id"]}, 1) == []
    records = await topics.find(REQUESTS.name, {one["id"], asked["id"]}, 1)
    assert [record.key.decode() for record in records] == [asked["id"]]
