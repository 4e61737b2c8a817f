"""Erasures that are looked at again long after the closing: one request follows, for the one system."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from integration.intake.closures_test import answered
from integration.intake.exemption_review_test import close, follow_up_of, following_up, notices
from integration.intake.sealing_test import opened, seal

from dsr_cli.stack import Stack
from dsr_contracts.v1 import notices_pb2, requests_pb2
from dsr_core.closing import Outcome
from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.requests import cohort_accepted_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import REQUESTS
from support.builders import MARKER, NOW
from support.decisions import shown, submitted
from support.holds import placed, someone, state_of
from support.intake import Intake, Topics, VerifierDouble, running_intake
from support.waiting import eventually

LOOKS = "payment-methods"
FAR, FARTHER = timedelta(days=20_000), timedelta(days=30_000)
"""From the closing, so that nothing is due before a test says so."""


@pytest.fixture(scope="module")
async def intake(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    async with running_intake(
        kafka,
        database,
        verifier.url,
        tmp_path_factory.mktemp("keys"),
        verify_later_share=1,
        verify_later_earliest_s=FAR.total_seconds(),
        verify_later_latest_s=FARTHER.total_seconds(),
    ) as running:
        yield running


async def drawn(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, **changes: Any
) -> tuple[str, str, datetime]:
    """Close a request that the sample falls on; return it, what will follow, and when."""
    one = await submitted(intake, **changes)
    verifier.erased(one["id"], "accounts", LOOKS)
    await close(publisher, one["id"], Outcome.FULFILLED)
    await answered(intake, one["id"])
    query = "select review_at from intake.deferred_notices where request_id = $1"
    at: datetime = await intake.pool.fetchval(query, one["id"])
    return one["id"], await follow_up_of(intake, one["id"]), at


async def test_of_what_was_erased_one_notice_is_kept_for_the_system_that_looks(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher
) -> None:
    request_id, _, at = await drawn(intake, verifier, publisher)
    row = await intake.pool.fetchrow(
        "select * from intake.deferred_notices where request_id = $1", request_id
    )
    assert (row["system_id"], row["why"]) == (LOOKS, "verification")
    assert NOW + FAR <= at <= NOW + FARTHER
    assert MARKER.encode() not in row["sealed_key"] + b"".join(row["sealed"])


async def test_where_the_system_has_erased_nothing_nothing_is_kept(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher
) -> None:
    one = await submitted(intake)
    verifier.erased(one["id"], "accounts")
    await close(publisher, one["id"], Outcome.FULFILLED)
    await answered(intake, one["id"])
    assert await notices(intake, one["id"]) == 0


async def test_on_its_date_the_system_is_asked_to_look_for_what_it_held_before_the_closing(
    intake: Intake,
    verifier: VerifierDouble,
    publisher: Publisher,
    topics: Topics,
    registry: Registry,
) -> None:
    request_id, follow_up_id, at = await drawn(intake, verifier, publisher)
    # What other tests have drawn may be due before, but not this.
    await following_up(intake, registry, at - timedelta(seconds=1)).open_due()
    early = await intake.http.get(f"/v1/subject-requests/{follow_up_id}")
    assert early.status_code == httpx.codes.NOT_FOUND
    assert await following_up(intake, registry, at).open_due() == 1
    assert await following_up(intake, registry, at).open_due() == 0
    found = await shown(intake, follow_up_id)
    assert (found["follows"], found["follows_why"]) == (request_id, "verification")
    assert (found["state"], found["scope"]["system_ids"]) == ("open", [LOOKS])
    [record] = await topics.find(REQUESTS.name, {follow_up_id}, 1)
    cohort = cohort_accepted_from_wire(
        decode(record.value, record.headers, requests_pb2.CohortAccepted)
    )
    assert cohort.held_before == NOW


async def test_the_system_opens_what_was_sealed_at_the_closing(
    intake: Intake,
    verifier: VerifierDouble,
    publisher: Publisher,
    stack: Stack,
    registry: Registry,
) -> None:
    _, follow_up_id, at = await drawn(intake, verifier, publisher)
    await following_up(intake, registry, at).open_due()
    answer = await seal(intake, follow_up_id, registry.digest, [LOOKS])
    [notice] = notices_pb2.SealResponse.FromString(answer.content).systems
    assert opened(notice, stack, LOOKS)[follow_up_id].kinds == ("customer_number",)


async def test_who_sees_the_closed_request_sees_what_was_found_and_no_letter_is_written(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry
) -> None:
    request_id, follow_up_id, at = await drawn(intake, verifier, publisher)
    await following_up(intake, registry, at).open_due()
    said = {"system_id": LOOKS, "answered_at": at.isoformat()}
    verifier.answers[follow_up_id] = {
        "acknowledgements": [
            said | {"disposition": "present", "records": 2},
            said | {"disposition": "erased", "records": 2},
            said | {"disposition": "absent", "records": 2},
        ]
    }
    await close(publisher, follow_up_id, Outcome.FULFILLED)
    await answered(intake, follow_up_id)
    path = f"/v1/subject-requests/{request_id}/follow-ups"
    [one] = (await intake.http.get(path)).json()["follow_ups"]
    assert (one["id"], one["why"], one["state"]) == (follow_up_id, "verification", "answered")
    assert [look["is_back"] for look in one["looks"]] == [True, False]
    assert (await intake.http.get(path, headers=await intake.client())).status_code == 404
    letters = "select count(*) from intake.letters where request_id = any($1::uuid[])"
    assert await intake.pool.fetchval(letters, [request_id, follow_up_id]) == 0
    assert await notices(intake, request_id) == 0
    assert await notices(intake, follow_up_id) == 0


async def test_a_system_that_looks_no_more_is_not_asked_and_its_notice_is_gone(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry
) -> None:
    request_id, follow_up_id, at = await drawn(intake, verifier, publisher)
    without = Registry(
        registry.organisations, tuple(one for one in registry.systems if one.id != LOOKS)
    )
    assert await following_up(intake, without, at).open_due() == 0
    assert await notices(intake, request_id) == 0
    query = "select count(*) from intake.subject_requests where id = $1"
    assert await intake.pool.fetchval(query, follow_up_id) == 0


async def test_for_somebody_who_is_held_nothing_is_looked_for_until_that_is_lifted(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry
) -> None:
    person = someone("held-when-looked-for")
    _, follow_up_id, at = await drawn(intake, verifier, publisher, identity=person)
    await placed(intake, person=person)
    await following_up(intake, registry, at).open_due()
    answer = await seal(intake, follow_up_id, registry.digest, [LOOKS])
    held = notices_pb2.SealResponse.FromString(answer.content).systems
    assert [one.request_id for notice in held for one in notice.identities] == []

    async def is_held() -> bool:
        return await state_of(intake, follow_up_id) == "on_hold"

    await eventually(is_held, within=30)
