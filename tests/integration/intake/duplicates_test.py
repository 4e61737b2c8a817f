"""The same person and right while one is open: answered together, and never on another's proof."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from integration.intake.closures_test import a_record, answered
from integration.intake.events_test import stream
from integration.intake.extending_test import ask, extend
from integration.intake.identity_test import prove

from dsr_contracts.v1 import requests_pb2
from dsr_core.closing import Outcome
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.commands import IdentityVerified
from dsr_wire.codec.requests import cohort_accepted_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import COMMANDS, REQUESTS
from support.decisions import commands, outcome_of, refuse, shown, standing, submitted, withdraw
from support.holds import lift, placed, state_of
from support.intake import Intake, Topics, VerifierDouble, running_intake
from support.submissions import a_submission, ndjson
from support.waiting import eventually

BASE = "/v1/subject-requests"
LONG_AGO = "2026-01-02T09:00:00Z"
people = iter(range(1000, 2000))
ROUNDS = 25
"""Of a race: in one alone the two may pass each other by."""


@pytest.fixture(scope="module")
async def intake(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    keys: Path,
) -> AsyncIterator[Intake]:
    """One that links duplicates."""
    async with running_intake(
        kafka, database, verifier.url, keys, intake_links_duplicates=True
    ) as running:
        yield running


async def twins(
    intake: Intake, both: dict[str, Any] | None = None, **changes: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Submit for one person twice; return both as they are shown."""
    number = next(people)
    both = {"number": number} | (both or {})
    first = await submitted(intake, **both)
    second = await submitted(intake, **(both | changes))
    return await shown(intake, first["id"]), await shown(intake, second["id"])


async def batch(intake: Intake, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    tagged = [{**line, "idempotency_key": str(n)} for n, line in enumerate(lines)]
    headers = await intake.client() | {"content-type": "application/x-ndjson"}
    found = await intake.http.post(f"{BASE}:batch", content=ndjson(tagged), headers=headers)
    intake.http.headers["authorization"] = headers["authorization"]
    return [orjson.loads(line) for line in found.text.splitlines()]


async def accepted(topics: Topics, cohort_ids: set[str], count: int) -> set[str]:
    """Return the requests that fanout was told of under some keys."""
    records = await topics.find(REQUESTS.name, cohort_ids, count)
    read = [decode(one.value, one.headers, requests_pb2.CohortAccepted) for one in records]
    return {one for cohort in read for one in cohort_accepted_from_wire(cohort).request_ids}


async def test_a_duplicate_is_answered_together_with_what_it_repeats(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher
) -> None:
    first, second = await twins(intake)
    verifier.keeps(first["id"])
    assert (first["duplicate_of"], second["duplicate_of"]) == (None, first["id"])
    assert first["due_at"] == second["due_at"]
    verifier.keeps(first["id"])
    await publisher.publish([a_record(first["id"], first["id"], outcome=Outcome.PARTLY_FULFILLED)])
    found = [await answered(intake, one["id"]) for one in (first, second)]
    assert {outcome_of(one) for one in found} == {("answered", "partly_fulfilled")}
    assert found[0]["answered_at"] == found[1]["answered_at"]
    assert await standing(intake, second["id"]) == (1, 0)
    keys = "select count(*) from intake_keys.request_keys where request_id = $1"
    assert await intake.pool.fetchval(keys, second["id"]) == 0
    again = await shown(intake, (await submitted(intake, number=1))["id"])
    assert again["duplicate_of"] is None


async def test_a_duplicate_of_what_another_client_submitted_shows_progress_and_no_name(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher
) -> None:
    number = next(people)
    first = await submitted(intake, number=number)
    mine = intake.http.headers["authorization"]
    other = await intake.client()
    intake.http.headers["authorization"] = other["authorization"]
    try:
        second = await submitted(intake, number=number)
        path = f"{BASE}/{second['id']}"
        owed = {"system_id": "billing", "disposition": None, "is_confirmed": False}
        verifier.obligations[first["id"]] = {
            "request_id": first["id"],
            "cohort_id": first["id"],
            "opened_at": LONG_AGO,
            "obligations": [
                owed
                | {
                    "recorded_at": None,
                    "is_contradicted": False,
                    "answered_at": None,
                    "retry_at": None,
                    "reason": None,
                }
            ],
        }
        found = (await intake.http.get(path)).json()
        assert (found["is_duplicate"], found["duplicate_of"]) == (True, None)
        async with stream(intake, f"{path}/events") as events:
            kind, told = await events.event() or ("", {})
            assert (kind, told["request_id"]) == ("obligation", second["id"])
            assert (await events.event() or ("", {}))[1]["state"] == "open"
            verifier.confirm(first["id"], "billing")
            kind, told = await events.event() or ("", {})
            assert (kind, told["request_id"]) == ("obligation", second["id"])
            assert told["is_confirmed"]
            said = [
                (await intake.http.get(f"{path}/{part}")).text
                for part in ("obligations", "blockers")
            ]
            verifier.closures[first["id"]] = {
                "request_id": first["id"], "cohort_id": first["id"], "evidence_digest": "ab" * 32
            }  # fmt: skip
            await publisher.publish([a_record(first["id"], first["id"])])
            ended = await events.event() or ("", {})
            assert (ended[1]["request_id"], ended[1]["state"]) == (second["id"], "answered")
        closure = (await intake.http.get(f"{path}/closure")).json()
        assert (closure["request_id"], closure["evidence_digest"]) == (second["id"], None)
        verifier.certificates[first["id"]] = first["id"].encode()
        certificate = await intake.http.get(f"{path}/certificate")
        assert certificate.json()["type"].endswith("no_certificate")
        everything = [*said, str(found), str(closure), certificate.text]
        everything.append((await intake.http.get(path)).text)
        assert not [one for one in everything if first["id"] in one]
    finally:
        intake.http.headers["authorization"] = mine
    as_operator = f"/internal/v1/subject-requests/{second['id']}"
    seen = (await intake.http.get(as_operator, headers=intake.desk)).json()
    assert seen["duplicate_of"] == first["id"]


async def test_all_that_a_client_follows_tells_of_its_duplicates_too(
    intake: Intake, verifier: VerifierDouble
) -> None:
    first, second = await twins(intake)
    async with stream(intake, "/v1/events") as events:
        verifier.confirm(first["id"], "billing")
        told = [(await events.event() or ("", {}))[1]["request_id"] for _ in range(2)]
    assert told == [first["id"], second["id"]]


async def test_nobody_is_asked_for_a_duplicate(intake: Intake, topics: Topics) -> None:
    first, second = await twins(intake)
    other = await submitted(intake, number=next(people))
    keys = {first["id"], second["id"], other["id"]}
    assert await accepted(topics, keys, 2) == {first["id"], other["id"]}
    waiting = "select count(*) from intake.outbox where key = convert_to($1, 'UTF8')"
    assert await intake.pool.fetchval(waiting, second["id"]) == 0


async def test_an_unverified_twin_never_rides_on_a_verified_one(
    intake: Intake, publisher: Publisher
) -> None:
    first, second = await twins(intake, identity_attested=False)
    assert (second["state"], second["duplicate_of"]) == ("awaiting_identity", None)
    assert second["related_to"] is None
    await publisher.publish([a_record(first["id"], first["id"])])
    await answered(intake, first["id"])
    assert (await shown(intake, second["id"]))["state"] == "awaiting_identity"
    proven = (await prove(intake, second["id"])).json()
    assert (proven["state"], proven["related_to"]) == ("open", first["id"])


async def test_whoever_is_proven_later_is_answered_with_what_is_open_from_that_moment_on(
    intake: Intake, publisher: Publisher
) -> None:
    first, second = await twins(intake, identity_attested=False)
    proven = (await prove(intake, second["id"])).json()
    assert (proven["state"], proven["duplicate_of"]) == ("open", first["id"])
    assert (proven["related_to"], proven["due_at"]) == (None, first["due_at"])
    waiting = "select count(*) from intake.outbox where topic = $1 and key = convert_to($2, 'UTF8')"
    assert await intake.pool.fetchval(waiting, COMMANDS.name, second["id"]) == 0
    await publisher.publish([a_record(first["id"], first["id"])])
    assert outcome_of(await answered(intake, second["id"])) == ("answered", "fulfilled")
    assert await standing(intake, second["id"]) == (1, 0)


async def test_of_two_that_are_proven_at_the_same_moment_one_is_answered_with_the_other(
    intake: Intake,
) -> None:
    for _ in range(ROUNDS):
        both = await twins(intake, {"identity_attested": False})
        ids = [one["id"] for one in both]
        answers = await asyncio.gather(*(prove(intake, one, reason="met") for one in ids))
        assert all(one.is_success for one in answers)
        found = {one: (await shown(intake, one))["duplicate_of"] for one in ids}
        [first] = [one for one, original in found.items() if original is None]
        [second] = [one for one in ids if one != first]
        assert found[second] == first


async def test_of_two_that_two_replicas_accept_at_the_same_moment_one_is_answered_with_the_other(
    intake: Intake, kafka: KafkaConnection, database: str, verifier: VerifierDouble, keys: Path
) -> None:
    async with running_intake(
        kafka, database, verifier.url, keys, intake_links_duplicates=True
    ) as replica:
        for _ in range(ROUNDS):
            number = next(people)
            both = await asyncio.gather(
                submitted(intake, number=number), submitted(replica, number=number)
            )
            found = {one["id"]: (await shown(intake, one["id"]))["duplicate_of"] for one in both}
            [first] = [one for one, original in found.items() if original is None]
            [second] = [one for one in found if one != first]
            assert found[second] == first


async def test_who_was_proven_later_and_is_set_free_is_asked_for_by_the_proof(
    intake: Intake, topics: Topics
) -> None:
    first, second = await twins(intake, identity_attested=False)
    await prove(intake, second["id"])
    await withdraw(intake, first["id"])
    [proof] = await commands(topics, second["id"])
    assert isinstance(proof.decision, IdentityVerified)
    free = await shown(intake, second["id"])
    assert (free["state"], free["duplicate_of"]) == ("open", None)
    assert proof.decision.due_at == datetime.fromisoformat(free["due_at"])


@pytest.mark.parametrize("is_late", [False, True], ids=["attested", "proven later"])
async def test_a_duplicate_that_was_received_earlier_brings_the_date_of_both_forward(
    intake: Intake, topics: Topics, verifier: VerifierDouble, *, is_late: bool
) -> None:
    earlier = (datetime.now(UTC) - timedelta(days=7)).replace(microsecond=0)
    changes: dict[str, Any] = {"received_at": earlier.isoformat(), "channel": "post"}
    number = next(people)
    # As it is shown before: the later one moves its date at once.
    first = await shown(intake, (await submitted(intake, number=number))["id"])
    changes |= {"number": number, "identity_attested": not is_late}
    second = await shown(intake, (await submitted(intake, **changes))["id"])
    if is_late:
        assert second["duplicate_of"] is None
        second = (await prove(intake, second["id"])).json()
    assert second["duplicate_of"] == first["id"]
    assert second["due_at"] < first["due_at"]

    async def moved() -> dict[str, Any] | None:
        found = await shown(intake, first["id"])
        return found if found["due_at"] == second["due_at"] else None

    now_due = await eventually(moved)
    assert (now_due["state"], now_due["received_at"]) == ("open", first["received_at"])
    [told] = await commands(topics, first["id"])
    assert told.alone is not None
    due_at = datetime.fromisoformat(second["due_at"])
    assert told.alone.due_at == due_at
    passed = [(one.at - earlier) / (due_at - earlier) for one in told.alone.tiers]
    assert passed == pytest.approx([0.5, 0.75, 0.9, 1])
    verifier.obligations[first["id"]] = {"opened_at": first["accepted_at"], "obligations": []}
    for one in (first, second):
        base = f"{BASE}/{one['id']}"
        dates = (await intake.http.get(f"{base}/timeline")).json()
        respond_by = next(each for each in dates["entries"] if each["name"] == "respond_by")
        assert datetime.fromisoformat(respond_by["at"]) == due_at
        why = (await intake.http.get(f"{base}/blockers")).json()
        assert datetime.fromisoformat(why["next_date"]["at"]) == due_at
    assert (await shown(intake, second["id"]))["duplicate_of"] == first["id"]


async def test_an_earlier_date_moves_the_duplicates_that_there_are_and_leaves_what_was_extended(
    intake: Intake,
) -> None:
    earlier = (datetime.now(UTC) - timedelta(days=7)).isoformat()
    number = next(people)
    first, second = await twins(intake, {"number": number})
    third = await shown(intake, (await submitted(intake, number=number, received_at=earlier))["id"])

    async def are_due_together() -> bool:
        due = {(await shown(intake, one["id"]))["due_at"] for one in (first, second, third)}
        return due == {third["due_at"]}

    await eventually(are_due_together)
    assert (await shown(intake, second["id"]))["duplicate_of"] == first["id"]
    number = next(people)
    extended = await submitted(intake, number=number)
    await extend(intake, extended["id"])
    own = await shown(intake, (await submitted(intake, number=number, received_at=earlier))["id"])
    assert (own["duplicate_of"], own["related_to"]) == (None, extended["id"])


async def test_a_verified_request_does_not_ride_on_an_unverified_one(intake: Intake) -> None:
    number = next(people)
    await submitted(intake, number=number, identity_attested=False)
    second = await shown(intake, (await submitted(intake, number=number))["id"])
    assert (second["duplicate_of"], second["related_to"]) == (None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"jurisdiction": "FR"},
        {"scope": {"categories": ["user.contact"], "organisation_ids": []}},
    ],
)
async def test_what_differs_in_law_or_scope_goes_its_own_way(
    intake: Intake, changes: dict[str, Any]
) -> None:
    first, second = await twins(intake, **changes)
    assert second["duplicate_of"] is None
    assert second["related_to"] == (None if "scope" in changes else first["id"])


async def test_twins_in_one_batch_are_linked_and_the_earliest_clock_wins(
    intake: Intake, topics: Topics
) -> None:
    one, two = a_submission(next(people)), a_submission(next(people))
    lines = await batch(intake, one, two, one, {**one, "received_at": LONG_AGO})
    ids = [line["id"] for line in lines]
    found = [await shown(intake, request_id) for request_id in ids]
    assert [each["duplicate_of"] for each in found] == [None, None, ids[0], None]
    assert found[3]["due_at"] < found[0]["due_at"] == found[2]["due_at"]
    later = await batch(intake, one)
    assert (await shown(intake, later[0]["id"]))["duplicate_of"] == ids[0]
    cohorts = {each["cohort_id"] for each in found} | {ids[2]}
    assert await accepted(topics, cohorts, 2) == {ids[0], ids[1], ids[3]}


@pytest.mark.parametrize("how", ["withdrawn", "refused"])
async def test_a_duplicate_goes_its_own_way_when_the_first_is_not_followed(
    intake: Intake, topics: Topics, publisher: Publisher, how: str
) -> None:
    first, second = await twins(intake)
    end = withdraw if how == "withdrawn" else refuse
    assert (await end(intake, first["id"])).json()["state"] == "stopping"
    assert await accepted(topics, {second["id"]}, 1) == {second["id"]}
    free = await shown(intake, second["id"])
    assert (free["state"], free["duplicate_of"]) == ("open", None)
    assert (free["related_to"], free["due_at"]) == (first["id"], first["due_at"])
    await publisher.publish([a_record(first["id"], first["id"], outcome=Outcome(how))])
    await answered(intake, first["id"])
    assert (await shown(intake, second["id"]))["state"] == "open"
    await publisher.publish([a_record(second["id"], second["id"])])
    assert outcome_of(await answered(intake, second["id"])) == ("answered", "fulfilled")


async def test_a_decision_about_a_duplicate_sets_it_free_first(
    intake: Intake, topics: Topics
) -> None:
    first, second = await twins(intake)
    found = (await withdraw(intake, second["id"])).json()
    assert (found["state"], found["duplicate_of"]) == ("stopping", None)
    assert await accepted(topics, {second["id"]}, 1) == {second["id"]}
    assert (await shown(intake, first["id"]))["state"] == "open"


async def test_a_duplicate_shows_what_keeps_its_first_open(
    intake: Intake, verifier: VerifierDouble
) -> None:
    first, second = await twins(intake)
    owed = {
        "system_id": "crm",
        "is_confirmed": False,
        "is_contradicted": False,
        "disposition": None,
        "answered_at": None,
        "retry_at": None,
        "reason": None,
    }
    verifier.obligations[first["id"]] = {"opened_at": first["accepted_at"], "obligations": [owed]}
    base = f"{BASE}/{second['id']}"
    found = (await intake.http.get(f"{base}/obligations")).json()
    assert found["obligations"] == [owed]
    why = (await intake.http.get(f"{base}/blockers")).json()
    assert why["duplicate_of"] == first["id"]
    assert [one["system_id"] for one in why["blockers"]] == ["crm"]


async def test_a_first_that_is_ending_is_waited_for_and_no_longer_repeated(intake: Intake) -> None:
    number = next(people)
    first = await submitted(intake, number=number)

    async def is_waiting() -> bool:
        waiting = (
            "select count(*) from pg_stat_activity"
            " where wait_event_type = 'Lock' and query like '%for share of r%'"
        )
        return bool(await intake.pool.fetchval(waiting))

    async with intake.pool.acquire() as ending, ending.transaction():
        await ending.execute(
            "update intake.subject_requests set state = 'answered', outcome = 'fulfilled',"
            " closed_at = now(), answered_at = now() where id = $1",
            first["id"],
        )
        submitting = asyncio.create_task(submitted(intake, number=number))
        await eventually(is_waiting)
    second = await shown(intake, (await submitting)["id"])
    assert (second["duplicate_of"], second["related_to"]) == (None, None)


@pytest.mark.parametrize(("place", "what"), [("DE", "extended"), ("GB", "asked what is meant")])
async def test_a_duplicate_keeps_its_date_when_that_of_the_first_moves_or_stands(
    intake: Intake, topics: Topics, place: str, what: str
) -> None:
    first, second = await twins(intake, {"jurisdiction": place, "right": "access"})
    assert second["duplicate_of"] == first["id"]
    move = extend if what == "extended" else ask
    assert (await move(intake, first["id"])).status_code == 200
    assert await accepted(topics, {second["id"]}, 1) == {second["id"]}
    free = await shown(intake, second["id"])
    assert (free["state"], free["duplicate_of"]) == ("open", None)
    assert (free["related_to"], free["due_at"]) == (first["id"], second["due_at"])


async def test_a_question_that_moves_no_date_sets_no_duplicate_free(intake: Intake) -> None:
    number = next(people)
    first, second = await twins(intake, {"number": number})
    assert (await ask(intake, first["id"])).json()["due_at"] == first["due_at"]
    assert (await shown(intake, second["id"]))["duplicate_of"] == first["id"]
    third = await shown(intake, (await submitted(intake, number=number))["id"])
    assert (third["duplicate_of"], third["related_to"]) == (None, first["id"])


async def test_a_hold_on_the_first_alone_holds_its_duplicate_also_once_that_is_free(
    intake: Intake,
) -> None:
    first, second = await twins(intake)
    hold = await placed(intake, request_id=first["id"])
    assert (await shown(intake, second["id"]))["duplicate_of"] == first["id"]
    await extend(intake, first["id"])

    async def is_in(state: str) -> bool:
        return await state_of(intake, second["id"]) == state

    await eventually(lambda: is_in("on_hold"))
    await lift(intake, hold)
    await eventually(lambda: is_in("open"))


@pytest.mark.parametrize("outcome", ["partly_fulfilled", "refused"])
async def test_what_an_older_replica_left_behind_is_answered_or_opened(
    intake: Intake, topics: Topics, outcome: str
) -> None:
    first, second = await twins(intake)
    await intake.pool.execute(
        "update intake.subject_requests set state = 'answered', outcome = $2,"
        " closed_at = now(), answered_at = now() where id = $1",
        first["id"],
        outcome,
    )
    if outcome == "refused":
        assert await accepted(topics, {second["id"]}, 1) == {second["id"]}
        assert outcome_of(await shown(intake, second["id"])) == ("open", None)
    else:
        assert outcome_of(await answered(intake, second["id"])) == ("answered", outcome)
        assert await standing(intake, second["id"]) == (1, 0)
