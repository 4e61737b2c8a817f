from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dsr_contracts.v1 import closures_pb2, lifecycle_pb2
from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, RequestId
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.closures import closures_to_wire
from dsr_wire.envelope import Outgoing, decode_one_of, encode, header
from dsr_wire.topics import CLOSURES, LIFECYCLE, dead_letter_name
from support.builders import a_closure, an_id
from support.intake import Intake, Topics, VerifierDouble
from support.submissions import a_submission, ndjson
from support.waiting import eventually

BASE = "/v1/subject-requests"


def a_record(cohort_id: str, *request_ids: str, **changes: Any) -> Outgoing:
    closures = [
        a_closure(request_id=RequestId(one), cohort_id=CohortId(cohort_id), **changes)
        for one in request_ids
    ]
    return encode(
        closures_to_wire(CohortId(cohort_id), closures),
        topic=CLOSURES.name,
        key=cohort_id,
        event_id=f"{cohort_id}/1",
        source="verifier",
        at=datetime.now(UTC),
    )


async def answered(intake: Intake, request_id: str) -> dict[str, Any]:
    async def is_answered() -> dict[str, Any] | None:
        found = (await intake.http.get(f"{BASE}/{request_id}")).json()
        return found if found["state"] == "answered" else None

    return await eventually(is_answered)


async def test_closure_answers_destroys_the_key_and_is_told(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, topics: Topics
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    verifier.keeps(one["id"])
    await publisher.publish([a_record(one["id"], one["id"], outcome=Outcome.PARTLY_FULFILLED)])
    found = await answered(intake, one["id"])
    assert found["outcome"] == "partly_fulfilled"
    assert found["closed_at"] < found["answered_at"]
    row = await intake.pool.fetchrow(
        "select identity_ciphertext, lookup_hashes, k.wrapped_key from intake.subject_requests r"
        " left join intake_keys.request_keys k on k.request_id = r.id where r.id = $1",
        one["id"],
    )
    assert row["identity_ciphertext"] is None
    assert row["wrapped_key"] is None
    assert len(row["lookup_hashes"]) == 2
    cohort = (
        await intake.http.get(f"/internal/v1/cohorts/{one['id']}", headers=intake.internal)
    ).json()
    assert (cohort["members"], cohort["open_members"]) == (1, 0)
    assert cohort["answered_at"] == found["answered_at"]
    records = await topics.find(LIFECYCLE.name, {one["id"]}, 2)
    kinds = (lifecycle_pb2.RequestStatesChanged, lifecycle_pb2.CohortAnswered)
    changed, ended = (decode_one_of(record.value, record.headers, kinds) for record in records)
    assert [change.state for change in changed.changes] == ["closed", "answered"]
    assert {change.outcome for change in changed.changes} == {"partly_fulfilled"}
    assert ended.cohort_id == one["id"]
    assert {header(record.headers, "ce_source") for record in records} == {"intake"}


async def test_closure_redelivered_changes_nothing(
    intake: Intake, publisher: Publisher, topics: Topics
) -> None:
    headers = await intake.client()
    body = ndjson([a_submission(n, idempotency_key=str(n)) for n in range(3)])
    results = await intake.http.post(
        f"{BASE}:batch", content=body, headers=headers | {"content-type": "application/x-ndjson"}
    )
    ids = [line.split('"id":"')[1][:36] for line in results.text.splitlines()]
    cohort_id = results.text.split('"cohort_id":"')[1][:36]
    first, rest = a_record(cohort_id, ids[0]), a_record(cohort_id, *ids[1:])
    await publisher.publish([first])
    await publisher.publish([first])
    await publisher.publish([a_record(cohort_id, ids[0], outcome=Outcome.PARTLY_FULFILLED)])

    async def open_members() -> int:
        answer = await intake.http.get(f"/internal/v1/cohorts/{cohort_id}", headers=intake.internal)
        return int(answer.json()["open_members"])

    async def one_is_answered() -> bool:
        return await open_members() == 2

    await eventually(one_is_answered)
    await publisher.publish([rest, first, rest])

    async def all_are_answered() -> bool:
        return await open_members() == 0

    await eventually(all_are_answered)
    view = (await intake.http.get(f"{BASE}/{ids[0]}", headers=headers)).json()
    assert view["outcome"] == "fulfilled"
    marker = (await intake.http.post(BASE, json=a_submission())).json()
    await publisher.publish([a_record(cohort_id, marker["id"])])
    await answered(intake, marker["id"])
    records = await topics.find(LIFECYCLE.name, {cohort_id}, 3)
    assert len(records) == 3
    assert len({header(record.headers, "ce_id") for record in records}) == 3


async def test_closure_of_an_unknown_request_is_dead_lettered_and_the_stream_goes_on(
    intake: Intake, publisher: Publisher, topics: Topics
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    unknown = an_id(4711)
    malformed = Outgoing(CLOSURES.name, one["id"].encode(), b"\xff\xff", ())
    empty = encode(
        closures_pb2.Closures(cohort_id=one["id"]),
        topic=CLOSURES.name,
        key=one["id"],
        event_id="1",
        source="verifier",
        at=datetime.now(UTC),
    )
    await publisher.publish(
        [a_record(one["id"], unknown), malformed, empty, a_record(one["id"], one["id"])]
    )
    await answered(intake, one["id"])
    letters = await topics.find(dead_letter_name(CLOSURES.name), {one["id"]}, 3)
    assert sorted(header(one.headers, "dsr_dead_letter_reason") or "" for one in letters) == [
        "invalid_field",
        "no_envelope",
        "unknown_request",
    ]


async def test_known_members_are_answered_although_a_neighbour_is_unknown(
    intake: Intake, publisher: Publisher
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    await publisher.publish([a_record(one["id"], an_id(4712), one["id"])])
    await answered(intake, one["id"])
