"""Exemptions with a date for their review: on it one request follows, for the one system that kept data."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from integration.intake.closures_test import a_record, answered
from integration.intake.sealing_test import opened, seal
from prometheus_client import CollectorRegistry

from dsr_cli.stack import Stack
from dsr_contracts.v1 import notices_pb2, requests_pb2
from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput
from dsr_core.ids import SystemId
from dsr_core.plan import Scope
from dsr_core.registry import Registry
from dsr_intake.adapters.deferral import PostgresDeferral
from dsr_intake.application.dating import Dating
from dsr_intake.application.following import FollowingUp
from dsr_intake.deferral import Due, FollowUp
from dsr_intake.metrics import Metrics
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.requests import cohort_accepted_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import REQUESTS
from support.builders import MARKER, a_registry
from support.decisions import outcome_of, shown, standing, submitted, withdraw
from support.holds import lift, placed, someone, state_of
from support.intake import Intake, Topics, VerifierDouble
from support.intake_fakes import FakeRegistryView, no_holidays
from support.law import shipped_rules
from support.waiting import eventually

DATES = (datetime(2099, 1, 31, 12, tzinfo=UTC) - timedelta(days=100 * n) for n in range(100))
"""A date of its own for each notice, none before one that an earlier test left."""


def by_email(registry: Registry) -> SystemId:
    return next(one.id for one in registry.systems if "email" in one.identifiers)


def an_exemption(review_at: datetime) -> dict[str, Any]:
    return {
        "ground": "HGB 257",
        "review_at": review_at.isoformat(),
        "categories": ["user"],
        "records": 3,
    }


def following_up(intake: Intake, registry: Registry, at: datetime) -> FollowingUp:
    """What opens the requests that follow, at a time that a test chose."""
    return FollowingUp(
        store=PostgresDeferral(intake.pool),
        registry=FakeRegistryView(registry, shipped_rules()),
        dating=Dating(no_holidays),
        metrics=Metrics(CollectorRegistry()),
        clock=lambda: at,
        on_committed=lambda: None,
    )


async def close(
    publisher: Publisher, request_id: str, outcome: Outcome = Outcome.PARTLY_FULFILLED
) -> None:
    await publisher.publish([a_record(request_id, request_id, outcome=outcome)])


async def reviewed(
    intake: Intake,
    verifier: VerifierDouble,
    publisher: Publisher,
    system_id: str,
    **changes: Any,
) -> tuple[str, str, datetime]:
    """Close a request for which a system keeps data; return it, what will follow, and when."""
    one, review_at = await submitted(intake, **changes), next(DATES)
    verifier.keeps(one["id"], (system_id, an_exemption(review_at)))
    await close(publisher, one["id"])
    await answered(intake, one["id"])
    return one["id"], await follow_up_of(intake, one["id"]), review_at


async def follow_up_of(intake: Intake, request_id: str) -> str:
    query = "select follow_up_id from intake.deferred_notices where request_id = $1"
    return str(await intake.pool.fetchval(query, request_id))


async def notices(intake: Intake, request_id: str) -> int:
    query = "select count(*) from intake.deferred_notices where request_id = $1"
    return int(await intake.pool.fetchval(query, request_id))


async def test_what_is_kept_with_the_closing_names_nobody(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry
) -> None:
    system_id = by_email(registry)
    request_id, _, review_at = await reviewed(intake, verifier, publisher, system_id)
    row = await intake.pool.fetchrow(
        "select * from intake.deferred_notices where request_id = $1", request_id
    )
    assert (row["system_id"], row["review_at"]) == (system_id, review_at)
    assert (row["grounds"], row["categories"]) == (["HGB 257"], ["user"])
    assert MARKER.encode() not in row["sealed_key"] + b"".join(row["sealed"])


async def test_nothing_is_kept_where_nothing_is_to_be_reviewed(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher
) -> None:
    one = await submitted(intake)
    verifier.keeps(one["id"])
    await close(publisher, one["id"])
    await answered(intake, one["id"])
    assert await notices(intake, one["id"]) == 0


async def test_on_its_date_one_request_follows_however_many_look(
    intake: Intake,
    verifier: VerifierDouble,
    publisher: Publisher,
    topics: Topics,
    registry: Registry,
) -> None:
    system_id = by_email(registry)
    request_id, follow_up_id, review_at = await reviewed(intake, verifier, publisher, system_id)
    early = following_up(intake, registry, review_at - timedelta(seconds=1))
    assert await early.open_due() == 0
    now = review_at + timedelta(hours=1)
    many = [following_up(intake, registry, now) for _ in range(4)]
    assert sum(await asyncio.gather(*(one.open_due() for one in many))) == 1
    assert sum([await one.open_due() for one in many]) == 0

    found = await shown(intake, follow_up_id)
    assert (found["state"], found["right"]) == ("open", "deletion")
    assert (found["follows"], found["follows_why"]) == (request_id, "exemption_review")
    assert found["scope"]["system_ids"] == [system_id]
    assert found["scope"]["categories"] == ["user"]
    assert datetime.fromisoformat(found["received_at"]) == review_at
    due_at = datetime.fromisoformat(found["due_at"])
    assert timedelta(days=27) < due_at - review_at < timedelta(days=36)
    assert found["regime"] == "gdpr"
    assert not found["letters"]
    assert await standing(intake, follow_up_id) == (1, 1)
    own = await intake.http.get(f"/v1/subject-requests/{follow_up_id}")
    assert own.json() == found

    [record] = await topics.find(REQUESTS.name, {follow_up_id}, 1)
    cohort = cohort_accepted_from_wire(
        decode(record.value, record.headers, requests_pb2.CohortAccepted)
    )
    assert cohort.request_ids == (follow_up_id,)
    assert cohort.scope == Scope(("user",), (), (system_id,))
    assert cohort.verify_identity_by is None
    assert cohort.tiers


async def test_the_system_that_claimed_it_opens_what_was_sealed_then_and_no_other_is_asked(
    intake: Intake,
    verifier: VerifierDouble,
    publisher: Publisher,
    stack: Stack,
    registry: Registry,
) -> None:
    system_id = by_email(registry)
    _, follow_up_id, review_at = await reviewed(intake, verifier, publisher, system_id)
    await following_up(intake, registry, review_at).open_due()
    for _ in range(2):
        answer = await seal(intake, follow_up_id, registry.digest, [system_id])
        [notice] = notices_pb2.SealResponse.FromString(answer.content).systems
        identity = opened(notice, stack, system_id)[follow_up_id]
        assert f"{MARKER}-1@example.com" in identity.values("email")
    other = next(one.id for one in registry.systems if one.id != system_id)
    refused = await seal(intake, follow_up_id, registry.digest, [system_id, other])
    assert refused.status_code == 422


async def test_kept_again_the_next_review_follows_from_what_was_sealed_at_first(
    intake: Intake,
    verifier: VerifierDouble,
    publisher: Publisher,
    stack: Stack,
    registry: Registry,
) -> None:
    system_id = by_email(registry)
    again = next(DATES)
    first, second, review_at = await reviewed(intake, verifier, publisher, system_id)
    await following_up(intake, registry, review_at).open_due()
    verifier.keeps(second, (system_id, an_exemption(again)))
    await close(publisher, second)
    await answered(intake, second)
    assert (await notices(intake, first), await notices(intake, second)) == (0, 1)

    third = await follow_up_of(intake, second)
    assert third not in {first, second}
    await following_up(intake, registry, again).open_due()
    assert (await shown(intake, third))["follows"] == second
    answer = await seal(intake, third, registry.digest, [system_id])
    [notice] = notices_pb2.SealResponse.FromString(answer.content).systems
    assert opened(notice, stack, system_id)[third].kinds
    notice.identities[0].request_id = second
    with pytest.raises(RejectedInput):
        opened(notice, stack, system_id)


@pytest.mark.parametrize("ends", ["fulfilled", "withdrawn"])
async def test_once_what_follows_is_answered_its_notice_is_gone(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry, ends: str
) -> None:
    system_id = by_email(registry)
    first, second, review_at = await reviewed(intake, verifier, publisher, system_id)
    await following_up(intake, registry, review_at).open_due()
    if ends == "withdrawn":
        await withdraw(intake, second)
    await close(publisher, second, Outcome(ends))
    assert outcome_of(await answered(intake, second)) == ("answered", ends)
    assert (await notices(intake, first), await notices(intake, second)) == (0, 0)


async def test_while_the_verifier_is_away_a_partly_fulfilled_request_waits_and_loses_nothing(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry
) -> None:
    before, one, review_at = await submitted(intake), await submitted(intake), next(DATES)
    verifier.keeps(one["id"], (by_email(registry), an_exemption(review_at)))
    verifier.is_away = True
    try:
        await close(publisher, before["id"], Outcome.FULFILLED)
        await answered(intake, before["id"])
        assert before["id"] not in verifier.refused
        await close(publisher, one["id"])

        async def has_asked_twice() -> bool:
            return verifier.refused.count(one["id"]) >= 2

        await eventually(has_asked_twice, within=30)
        assert (await shown(intake, one["id"]))["state"] == "open"
    finally:
        verifier.is_away = False
    await answered(intake, one["id"])
    assert await notices(intake, one["id"]) == 1


async def test_closing_again_keeps_nothing_twice(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry
) -> None:
    request_id, follow_up_id, _ = await reviewed(intake, verifier, publisher, by_email(registry))
    await close(publisher, request_id)
    behind = await submitted(intake)
    await publisher.publish([a_record(request_id, behind["id"])])
    await answered(intake, behind["id"])
    assert await follow_up_of(intake, request_id) == follow_up_id
    assert await notices(intake, request_id) == 1


async def test_what_fails_while_it_is_opened_leaves_it_due(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry
) -> None:
    _, follow_up_id, review_at = await reviewed(intake, verifier, publisher, by_email(registry))

    def crash(due: Due) -> FollowUp:
        raise RuntimeError(due.deferred.system_id)

    with pytest.raises(RuntimeError):
        await PostgresDeferral(intake.pool).open_due(crash, at=review_at, limit=1)
    query = "select count(*) from intake.subject_requests where id = $1"
    assert await intake.pool.fetchval(query, follow_up_id) == 0
    await following_up(intake, registry, review_at).open_due()
    assert await intake.pool.fetchval(query, follow_up_id) == 1


async def test_what_follows_for_somebody_who_is_held_waits_until_that_is_lifted(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry
) -> None:
    system_id, person = by_email(registry), someone("held-at-the-review")
    _, follow_up_id, review_at = await reviewed(
        intake, verifier, publisher, system_id, identity=person
    )
    hold_id = await placed(intake, person=person)
    await following_up(intake, registry, review_at).open_due()
    answer = await seal(intake, follow_up_id, registry.digest, [system_id])
    held = notices_pb2.SealResponse.FromString(answer.content).systems
    assert [one.request_id for notice in held for one in notice.identities] == []

    async def is_held() -> bool:
        return await state_of(intake, follow_up_id) == "on_hold"

    await eventually(is_held, within=30)
    await lift(intake, hold_id)
    assert await state_of(intake, follow_up_id) == "open"
    answer = await seal(intake, follow_up_id, registry.digest, [system_id])
    [notice] = notices_pb2.SealResponse.FromString(answer.content).systems
    assert [one.request_id for one in notice.identities] == [follow_up_id]


async def test_what_follows_for_a_person_who_is_held_elsewhere_is_asked_at_once(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry
) -> None:
    person = someone("held-elsewhere")
    system_id = by_email(registry)
    _, follow_up_id, review_at = await reviewed(
        intake, verifier, publisher, system_id, identity=person
    )
    other = next(one.id for one in registry.systems if one.id != system_id)
    await placed(intake, person=person, system_ids=[other])
    await following_up(intake, registry, review_at).open_due()
    answer = await seal(intake, follow_up_id, registry.digest, [system_id])
    [notice] = notices_pb2.SealResponse.FromString(answer.content).systems
    assert [one.request_id for one in notice.identities] == [follow_up_id]


async def test_a_system_that_is_in_no_plan_any_more_is_asked_once_it_is_again(
    intake: Intake, verifier: VerifierDouble, publisher: Publisher, registry: Registry
) -> None:
    _, follow_up_id, review_at = await reviewed(intake, verifier, publisher, by_email(registry))
    query = "select count(*) from intake.subject_requests where id = $1"
    for one, at, count in (
        (a_registry(), review_at, 0),
        (registry, review_at, 0),
        (registry, review_at + timedelta(days=1), 1),
    ):
        await following_up(intake, one, at).open_due()
        assert await intake.pool.fetchval(query, follow_up_id) == count
    found = await shown(intake, follow_up_id)
    assert datetime.fromisoformat(found["received_at"]) == review_at
