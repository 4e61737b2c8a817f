from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from dsr_cli.stack import Stack
from dsr_contracts.v1 import notices_pb2
from dsr_core.errors import RejectedInput
from dsr_core.identity import Identity
from dsr_core.ids import CohortId, RequestId
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.closures import closures_to_wire
from dsr_wire.envelope import encode
from dsr_wire.sealing import Opener
from dsr_wire.topics import CLOSURES
from support.builders import MARKER, a_closure, an_id
from support.intake import Intake
from support.parts import keys_of
from support.submissions import a_submission, ndjson
from support.waiting import eventually

BASE = "/v1/subject-requests"


async def seal(
    intake: Intake, cohort_id: str, digest: str, systems: list[str], *requests: str
) -> httpx.Response:
    asked = notices_pb2.SealRequest(
        registry_digest=digest, system_ids=systems, request_ids=requests
    )
    return await intake.http.post(
        f"/internal/v1/cohorts/{cohort_id}/identities:seal",
        content=asked.SerializeToString(),
        headers=intake.internal | {"content-type": "application/protobuf"},
    )


def opened(notice: notices_pb2.SystemNotice, stack: Stack, system_id: str) -> dict[str, Identity]:
    """Open a notice as a system would, by the requests that it holds."""
    opener = Opener(
        notice.sealed_key,
        system_id=notice.system_id,
        right=Right.DELETION,
        key=keys_of(stack, system_id).sealing,
    )
    return {
        one.request_id: opener.open(one.sealed, request_id=one.request_id)
        for one in notice.identities
    }


async def test_sealed_identity_opens_only_for_its_system(
    intake: Intake, stack: Stack, registry: Registry
) -> None:
    one = (await intake.http.post(BASE, json=a_submission(7))).json()
    by_email = next(s.id for s in registry.systems if "email" in s.identifiers)
    by_number = next(s.id for s in registry.systems if s.identifiers == ("customer_number",))
    answer = await seal(intake, one["id"], one["registry_digest"], [by_number, by_email])
    assert answer.status_code == 200
    assert MARKER.encode() not in answer.content
    response = notices_pb2.SealResponse.FromString(answer.content)
    assert [notice.system_id for notice in response.systems] == [by_number, by_email]
    number, email = response.systems
    assert opened(number, stack, by_number)[one["id"]].kinds == ("customer_number",)
    assert f"{MARKER}-7@example.com" in opened(email, stack, by_email)[one["id"]].values("email")
    with pytest.raises(RejectedInput):
        opened(number, stack, by_email)


async def test_the_notices_of_one_access_request_bring_one_package_key_however_often_they_are_sealed(
    intake: Intake, stack: Stack, registry: Registry
) -> None:
    one = (await intake.http.post(BASE, json=a_submission(8, right="access"))).json()
    systems = [each.id for each in registry.systems if Right.ACCESS in each.rights][:2]
    answers = await asyncio.gather(
        *(seal(intake, one["id"], one["registry_digest"], systems) for _ in range(8))
    )
    found = {
        Opener(
            notice.sealed_key,
            system_id=notice.system_id,
            right=Right.ACCESS,
            key=keys_of(stack, notice.system_id).sealing,
        )
        .open_addressed(notice.identities[0].sealed, request_id=one["id"])
        .package_key
        for answer in answers
        for notice in notices_pb2.SealResponse.FromString(answer.content).systems
    }
    [public] = found
    kept = await intake.pool.fetchrow(
        "select * from intake_keys.package_keys where request_id = $1", one["id"]
    )
    assert kept is not None
    assert kept["public_key"] == public
    assert len(public) == 32


async def test_a_deletion_has_no_package_key(intake: Intake, registry: Registry) -> None:
    one = (await intake.http.post(BASE, json=a_submission(9))).json()
    await seal(intake, one["id"], one["registry_digest"], [registry.systems[0].id])
    count = await intake.pool.fetchval(
        "select count(*) from intake_keys.package_keys where request_id = $1", one["id"]
    )
    assert count == 0


async def test_every_open_member_is_sealed_for_every_system(
    intake: Intake, stack: Stack, registry: Registry
) -> None:
    headers = await intake.client()
    # Other people than above: whoever still waits for a copy is no member of the cohort yet.
    people = range(100, 140)
    body = ndjson([a_submission(n, idempotency_key=str(n)) for n in people])
    results = await intake.http.post(
        f"{BASE}:batch", content=body, headers=headers | {"content-type": "application/x-ndjson"}
    )
    cohort_id = results.text.split('"cohort_id":"')[1][:36]
    systems = [one.id for one in registry.systems if Right.DELETION in one.rights]
    answer = await seal(intake, cohort_id, registry.digest, systems)
    response = notices_pb2.SealResponse.FromString(answer.content)
    assert [len(one.identities) for one in response.systems] == [40] * len(systems)
    assert len({one.sealed_key for one in response.systems}) == len(systems)
    for one in response.systems:
        assert len(opened(one, stack, one.system_id)) == 40


async def test_answered_member_cannot_be_sealed_any_more(
    intake: Intake, publisher: Publisher, registry: Registry
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    closures = [a_closure(request_id=RequestId(one["id"]), cohort_id=CohortId(one["id"]))]
    record = encode(
        closures_to_wire(CohortId(one["id"]), closures),
        topic=CLOSURES.name,
        key=one["id"],
        event_id="1",
        source="verifier",
        at=datetime.now(UTC),
    )
    await publisher.publish([record])
    system_id = registry.systems[0].id

    async def is_empty() -> bool:
        for asked in ((), (one["id"],)):
            answer = await seal(intake, one["id"], one["registry_digest"], [system_id], *asked)
            response = notices_pb2.SealResponse.FromString(answer.content)
            if response.systems[0].identities:
                return False
        return True

    await eventually(is_empty)


async def test_what_cannot_be_sealed_is_said(intake: Intake, registry: Registry) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    system_id, digest = registry.systems[0].id, one["registry_digest"]
    assert (await seal(intake, an_id(1), digest, [system_id])).status_code == 404
    assert (await seal(intake, one["id"], digest, ["no-such-system"])).status_code == 422
    assert (await seal(intake, one["id"], digest, [system_id], an_id(1))).status_code == 422
    assert (await seal(intake, one["id"], digest, [])).status_code == 422
    late = await seal(intake, one["id"], "0" * 64, [system_id])
    assert late.status_code == 503
    assert "0" * 64 in late.json()["detail"]
    url = f"/internal/v1/cohorts/{one['id']}/identities:seal"
    media = {"content-type": "application/protobuf"}
    garbage = await intake.http.post(url, content=b"\xff", headers=intake.internal | media)
    assert garbage.status_code == 400
    nobody = {"authorization": ""}
    public = await intake.http.post(url, content=b"", headers=media | nobody)
    assert public.status_code == 401


async def test_a_member_whose_key_is_gone_is_never_left_out_silently(
    intake: Intake, registry: Registry
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    await intake.pool.execute(
        "delete from intake_keys.request_keys where request_id = $1", one["id"]
    )
    answer = await seal(intake, one["id"], one["registry_digest"], [registry.systems[0].id])
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:dsr:problem:key_missing"
    assert one["id"] in answer.json()["detail"]
    assert "dsr_intake_keys_missing_total 1.0" in (await intake.http.get("/metrics")).text
