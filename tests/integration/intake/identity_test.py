"""Requests whose requester is not known yet: they wait, open by a proof, or end as not verified."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from integration.intake.closures_test import a_record

from dsr_contracts.v1 import closures_pb2, commands_pb2, notices_pb2, requests_pb2
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.commands import IdentityVerified, command_from_wire
from dsr_wire.codec.requests import cohort_accepted_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import CLOSURES, COMMANDS, REQUESTS, dead_letter_name
from support.decisions import commands, withdraw
from support.intake import Intake, Topics
from support.submissions import a_submission
from support.waiting import eventually

BASE = "/v1/subject-requests"
INTERNAL = "/internal/v1"


async def awaiting(intake: Intake, **changes: Any) -> dict[str, Any]:
    answer = await intake.http.post(BASE, json=a_submission(identity_attested=False, **changes))
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    accepted: dict[str, Any] = answer.json()
    assert accepted["state"] == "awaiting_identity"
    return accepted


async def shown(intake: Intake, request_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await intake.http.get(f"{BASE}/{request_id}")).json()
    return found


async def prove(intake: Intake, request_id: str, **body: str) -> httpx.Response:
    return await intake.http.post(
        f"{INTERNAL}/subject-requests/{request_id}/identity:prove",
        headers=intake.desk,
        json={"reason": "seen at the desk"} | body,
    )


async def give_up(intake: Intake, request_id: str) -> httpx.Response:
    path = f"{INTERNAL}/cohorts/{request_id}/identity:give-up"
    return await intake.http.post(path, headers=intake.internal)


async def test_it_is_told_to_fanout_with_its_date_and_nobody_is_told_of_it(
    intake: Intake, topics: Topics
) -> None:
    one = await awaiting(intake)
    [record] = await topics.find(REQUESTS.name, {one["id"]}, 1)
    cohort = cohort_accepted_from_wire(
        decode(record.value, record.headers, requests_pb2.CohortAccepted)
    )
    assert cohort.verify_identity_by == cohort.due_at
    sealing = notices_pb2.SealRequest(
        registry_digest=one["registry_digest"], system_ids=["accounts"]
    )
    refused = await intake.http.post(
        f"{INTERNAL}/cohorts/{one['id']}/identities:seal",
        headers={**intake.internal, "content-type": "application/protobuf"},
        content=sealing.SerializeToString(),
    )
    assert (refused.status_code, refused.json()["type"].endswith("identity_not_proven")) == (
        409,
        True,
    )


async def test_a_proof_opens_it_once_and_commands_fanout(intake: Intake, topics: Topics) -> None:
    received = datetime.now(UTC) - timedelta(days=5)
    one = await awaiting(intake, jurisdiction="GB", received_at=received.isoformat())
    proven = datetime.now(UTC) - timedelta(days=1)
    opened = (await prove(intake, one["id"], proven_at=proven.isoformat())).json()
    assert opened["state"] == "open"
    assert opened["due_at"] > one["due_at"]  # in the United Kingdom the clock starts with the proof
    [record] = await topics.find(COMMANDS.name, {one["id"]}, 1)
    command = command_from_wire(
        decode(record.value, record.headers, commands_pb2.SubjectRequestCommand)
    )
    assert isinstance(command.decision, IdentityVerified)
    assert command.decision.due_at == datetime.fromisoformat(opened["due_at"])
    assert (command.decision.method, command.effective_at) == ("operator", proven)
    again = await prove(intake, one["id"])
    assert again.status_code == httpx.codes.CONFLICT
    assert "allowed in awaiting_identity, not in open" in again.json()["detail"]


async def test_two_operators_at_the_same_moment_prove_it_once(intake: Intake) -> None:
    one = await awaiting(intake)
    answers = await asyncio.gather(*(prove(intake, one["id"]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_where_the_clock_does_not_wait_a_proof_moves_no_date(intake: Intake) -> None:
    one = await awaiting(intake, jurisdiction="US-CA")
    assert (await prove(intake, one["id"])).json()["due_at"] == one["due_at"]


async def test_the_same_key_gives_the_answer_of_the_first_call_after_the_proof(
    intake: Intake,
) -> None:
    body, headers = a_submission(identity_attested=False, jurisdiction="GB"), {}
    headers = {"idempotency-key": "awaits-and-is-proven"}
    first = (await intake.http.post(BASE, json=body, headers=headers)).json()
    await prove(intake, first["id"])
    assert (await intake.http.post(BASE, json=body, headers=headers)).json() == first


async def test_a_proof_before_the_receipt_or_to_come_is_refused(intake: Intake) -> None:
    one = await awaiting(intake)
    for at in ("2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"):
        answer = await prove(intake, one["id"], proven_at=at)
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert (await shown(intake, one["id"]))["state"] == "awaiting_identity"


async def test_nobody_gives_up_before_the_date(intake: Intake) -> None:
    one = await awaiting(intake)
    answer = await give_up(intake, one["id"])
    assert answer.status_code == httpx.codes.CONFLICT
    assert (await shown(intake, one["id"]))["state"] == "awaiting_identity"


async def test_after_the_date_it_ends_as_not_verified_and_its_key_is_destroyed(
    intake: Intake,
) -> None:
    one = await awaiting(intake, received_at="2026-01-02T09:00:00Z")
    for _ in range(2):
        cohort = (await give_up(intake, one["id"])).json()
        assert cohort["open_members"] == 0
    found = await shown(intake, one["id"])
    assert (found["state"], found["outcome"]) == ("answered", "not_verified")
    keys = await intake.pool.fetchval(
        "select count(*) from intake_keys.request_keys where request_id = $1", one["id"]
    )
    assert keys == 0
    assert (await prove(intake, one["id"])).status_code == httpx.codes.CONFLICT


async def test_a_closure_of_what_nobody_was_asked_for_is_dead_lettered(
    intake: Intake, publisher: Publisher, topics: Topics
) -> None:
    one = await awaiting(intake)
    await publisher.publish([a_record(one["id"], one["id"])])
    [letter] = await topics.find(dead_letter_name(CLOSURES.name), {one["id"]}, 1)
    assert closures_pb2.Closures.FromString(letter.value).cohort_id == one["id"]
    assert (await shown(intake, one["id"]))["state"] == "awaiting_identity"


async def test_it_is_found_by_its_state(intake: Intake) -> None:
    one = await awaiting(intake)

    async def is_listed() -> bool:
        page = (await intake.http.get(BASE, params={"state": "awaiting_identity"})).json()
        return one["id"] in {item["id"] for item in page["items"]}

    await eventually(is_listed)


async def test_a_decision_after_a_proof_that_an_older_replica_took_has_a_revision_of_its_own(
    intake: Intake, topics: Topics
) -> None:
    one = await awaiting(intake)
    await prove(intake, one["id"])
    # What such a replica leaves: it does not count the command.
    await intake.pool.execute(
        "update intake.subject_requests set commands = 0 where id = $1", one["id"]
    )
    await withdraw(intake, one["id"])
    assert [told.revision for told in await commands(topics, one["id"], 2)] == [1, 2]
