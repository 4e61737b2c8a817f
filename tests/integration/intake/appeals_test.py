"""Appeals: a new request that follows a refused one, and that somebody else than the refuser decides."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from integration.intake.closures_test import a_record, answered
from integration.intake.sealing_test import opened, seal

from dsr_cli.stack import Stack
from dsr_contracts.v1 import escalations_pb2, notices_pb2, requests_pb2
from dsr_core.closing import Outcome
from dsr_core.law.rules import TierAction
from dsr_core.registry import Registry
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.escalations import escalation_from_wire
from dsr_wire.codec.requests import cohort_accepted_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import ESCALATIONS, REQUESTS
from support.builders import an_id
from support.decisions import (
    BASE,
    commands,
    decide,
    outcome_of,
    refuse,
    shown,
    standing,
    submitted,
    withdraw,
)
from support.intake import Intake, Topics, VerifierDouble
from support.submissions import a_submission
from support.waiting import eventually

VIRGINIA = {"jurisdiction": "US-VA"}


async def refused(intake: Intake, publisher: Publisher, **changes: Any) -> str:
    """A request that was refused, by the desk, and whose requester has been told so."""
    one = await submitted(intake, **(VIRGINIA | changes))
    await refuse(intake, one["id"])
    await publisher.publish([a_record(one["id"], one["id"], outcome=Outcome.REFUSED)])
    await answered(intake, one["id"])
    return str(one["id"])


async def appeal(
    intake: Intake, request_id: str, *, key: str = "", **changes: Any
) -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    sent = a_submission(**(VIRGINIA | {"appeal_of": request_id} | changes))
    return await intake.http.post(BASE, json=sent, headers=headers)


async def grant(
    intake: Intake, request_id: str, by: dict[str, str] | None = None
) -> httpx.Response:
    by = by or intake.counsel
    return await decide(intake, request_id, "appeal:grant", by=by, reason="the ground fails")


async def in_outbox_or_topic(intake: Intake, topics: Topics, request_id: str) -> int:
    marker = await submitted(intake)
    records = await topics.find(REQUESTS.name, {request_id, marker["id"]}, 1)
    return sum(record.key.decode() == request_id for record in records)


async def test_an_appeal_waits_for_a_decision_under_a_date_of_its_own(
    intake: Intake, publisher: Publisher, topics: Topics, registry: Registry
) -> None:
    first = await refused(intake, publisher)
    answer = await appeal(intake, first)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    one = answer.json()
    assert (one["state"], one["regime"]) == ("awaiting_decision", "vcdpa")
    found = await shown(intake, one["id"])
    assert (found["follows"], found["follows_why"]) == (first, "appeal")
    due = datetime.fromisoformat(found["due_at"])
    assert timedelta(days=59) < due - datetime.now(UTC) < timedelta(days=62)

    dates = (await intake.http.get(f"{BASE}/{one['id']}/timeline")).json()
    assert [entry["name"] for entry in dates["entries"]] == ["answer_appeal_by"]
    why = (await intake.http.get(f"{BASE}/{one['id']}/blockers")).json()
    [blocker] = why["blockers"]
    assert (blocker["kind"], blocker["owner"]) == ("appeal_undecided", "Privacy office")
    assert why["next_date"]["name"] == "answer_appeal_by"

    assert await in_outbox_or_topic(intake, topics, one["id"]) == 0
    nobody = await seal(intake, one["id"], registry.digest, [registry.systems[0].id])
    assert nobody.status_code == httpx.codes.CONFLICT


async def test_granted_its_systems_are_asked_as_for_any_request(
    intake: Intake, publisher: Publisher, topics: Topics, stack: Stack, registry: Registry
) -> None:
    first = await refused(intake, publisher)
    one = (await appeal(intake, first)).json()
    answers = await asyncio.gather(*(grant(intake, one["id"]) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [200, 409, 409]
    found = await shown(intake, one["id"])
    assert (found["state"], found["due_at"]) == ("open", one["due_at"])
    [record] = await topics.find(REQUESTS.name, {one["id"]}, 1)
    cohort = cohort_accepted_from_wire(
        decode(record.value, record.headers, requests_pb2.CohortAccepted)
    )
    assert cohort.request_ids == (one["id"],)
    assert cohort.due_at == datetime.fromisoformat(one["due_at"])
    system_id = next(each.id for each in registry.systems if "email" in each.identifiers)
    answer = await seal(intake, one["id"], registry.digest, [system_id])
    [notice] = notices_pb2.SealResponse.FromString(answer.content).systems
    assert opened(notice, stack, system_id)[one["id"]].kinds
    await publisher.publish([a_record(one["id"], one["id"])])
    assert outcome_of(await answered(intake, one["id"])) == ("answered", "fulfilled")


async def test_as_its_date_comes_near_the_privacy_office_is_told_and_the_breach_is_recorded(
    intake: Intake, publisher: Publisher, topics: Topics
) -> None:
    one = (await appeal(intake, await refused(intake, publisher))).json()
    tiers = "select action from intake.appeal_tiers where request_id = $1 order by action"

    async def passed() -> list[str]:
        return [row["action"] for row in await intake.pool.fetch(tiers, one["id"])]

    # Sixty days are not lived through here: the appeal is made older.
    older = "update intake.subject_requests set received_at = now() - $2::interval where id = $1"
    dated = "update intake.cohorts set due_at = now() + $2::interval where id = $1"
    await intake.pool.execute(older, one["id"], timedelta(days=35))
    await intake.pool.execute(dated, one["id"], timedelta(days=25))
    await eventually(passed, within=20)
    assert await passed() == ["remind_systems"]
    why = (await intake.http.get(f"{BASE}/{one['id']}/blockers")).json()["blockers"]
    assert "privacy office" in why[0]["next"]["what"]
    await intake.pool.execute(dated, one["id"], timedelta(seconds=-1))

    async def all_passed() -> bool:
        return len(await passed()) == 4

    await eventually(all_passed, within=20)
    records = await topics.find(ESCALATIONS.name, {one["id"]}, 4)
    told = [
        escalation_from_wire(decode(each.value, each.headers, escalations_pb2.Escalation))
        for each in records
    ]
    assert [each.action for each in told] == sorted(
        (each.action for each in told), key=list(TierAction).index
    )
    assert {each.awaits_decision for each in told} == {True}
    granted = await grant(intake, one["id"])
    assert granted.json()["state"] == "open"


async def test_one_that_is_decided_is_not_told_of(intake: Intake, publisher: Publisher) -> None:
    one = (await appeal(intake, await refused(intake, publisher))).json()
    other = (await appeal(intake, await refused(intake, publisher))).json()
    await refuse(intake, one["id"], by=intake.counsel)
    dated = "update intake.cohorts set due_at = now() where id = any($1::uuid[])"
    await intake.pool.execute(dated, [one["id"], other["id"]])
    breached = "select request_id::text from intake.appeal_tiers where action = 'record_breach'"

    async def is_told() -> bool:
        rows = await intake.pool.fetch(breached)
        return other["id"] in {row["request_id"] for row in rows}

    await eventually(is_told, within=20)
    assert one["id"] not in {row["request_id"] for row in await intake.pool.fetch(breached)}


async def test_the_first_command_after_a_grant_is_the_first_of_all(
    intake: Intake, publisher: Publisher, topics: Topics
) -> None:
    """A grant is told by no command; one that counted it had fanout wait ten minutes for it."""
    one = (await appeal(intake, await refused(intake, publisher))).json()
    await grant(intake, one["id"])
    await withdraw(intake, one["id"])
    [command] = await commands(topics, one["id"])
    assert command.revision == 1


async def test_who_refused_decides_no_appeal_against_that(
    intake: Intake, publisher: Publisher
) -> None:
    one = (await appeal(intake, await refused(intake, publisher))).json()
    for attempt in (
        await grant(intake, one["id"], by=intake.desk),
        await refuse(intake, one["id"]),
        await decide(
            intake,
            one["id"],
            "referral",
            by=intake.desk,
            controller="Example",
            pointer="https://example.com",
        ),
    ):
        assert attempt.status_code == httpx.codes.CONFLICT
        assert "somebody else" in attempt.json()["detail"]
    assert (await shown(intake, one["id"]))["state"] == "awaiting_decision"


async def test_denied_it_ends_at_once_and_systems_are_asked_nothing(
    intake: Intake, publisher: Publisher
) -> None:
    one = (await appeal(intake, await refused(intake, publisher))).json()
    denied = await refuse(intake, one["id"], by=intake.counsel)
    assert outcome_of(denied.json()) == ("answered", "refused")
    assert await standing(intake, one["id"]) == (1, 0)
    again = await grant(intake, one["id"])
    assert again.status_code == httpx.codes.CONFLICT


async def test_it_can_be_withdrawn_while_it_waits(intake: Intake, publisher: Publisher) -> None:
    one = (await appeal(intake, await refused(intake, publisher))).json()
    assert outcome_of((await withdraw(intake, one["id"])).json()) == ("answered", "withdrawn")


async def test_a_request_is_appealed_once_and_sent_again_it_is_the_same_appeal(
    intake: Intake, publisher: Publisher
) -> None:
    first = await refused(intake, publisher)
    answers = await asyncio.gather(*(appeal(intake, first, key=f"{first}-{n}") for n in range(4)))
    codes = sorted(each.status_code for each in answers)
    assert codes == [202, 409, 409, 409]
    [place] = [n for n, each in enumerate(answers) if each.status_code == httpx.codes.ACCEPTED]
    again = await appeal(intake, first, key=f"{first}-{place}")
    assert again.json() == answers[place].json()
    bare = await appeal(intake, first)
    assert bare.status_code == httpx.codes.CONFLICT
    assert "there is an appeal" in bare.json()["detail"]


async def test_what_was_partly_fulfilled_can_be_appealed(
    intake: Intake, publisher: Publisher, verifier: VerifierDouble
) -> None:
    one = await submitted(intake, **VIRGINIA)
    verifier.keeps(one["id"])
    await publisher.publish([a_record(one["id"], one["id"], outcome=Outcome.PARTLY_FULFILLED)])
    await answered(intake, one["id"])
    assert (await appeal(intake, one["id"])).status_code == httpx.codes.ACCEPTED


async def test_where_no_appeal_is_possible_the_answer_says_why(
    intake: Intake, publisher: Publisher
) -> None:
    undecided = await submitted(intake, **VIRGINIA)
    fulfilled = await submitted(intake, **VIRGINIA)
    await publisher.publish([a_record(fulfilled["id"], fulfilled["id"])])
    await answered(intake, fulfilled["id"])
    german = await refused(intake, publisher, jurisdiction="DE")
    for answer, why in (
        (await appeal(intake, undecided["id"]), "nothing to appeal yet"),
        (await appeal(intake, fulfilled["id"]), "ended as fulfilled"),
        (await appeal(intake, german, jurisdiction="DE"), "gives no right to appeal"),
    ):
        assert answer.status_code == httpx.codes.CONFLICT
        assert why in answer.json()["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": [{"kind": "email", "value": "somebody-else@example.com"}]},
        {"jurisdiction": "DE"},
        {"identity_attested": False},
        {"scope": {"categories": ["user.contact"]}},
        {"received_at": "2025-01-02T09:00:00Z"},
    ],
)
async def test_an_appeal_that_does_not_fit_its_request_is_refused(
    intake: Intake, publisher: Publisher, changes: dict[str, Any]
) -> None:
    first = await refused(intake, publisher)
    assert (await appeal(intake, first, **changes)).status_code == 422
    assert (await appeal(intake, first)).status_code == httpx.codes.ACCEPTED


async def test_another_clients_request_cannot_be_appealed(
    intake: Intake, publisher: Publisher
) -> None:
    first = await refused(intake, publisher)
    sent = a_submission(**VIRGINIA, appeal_of=first)
    answer = await intake.http.post(BASE, json=sent, headers=await intake.client())
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert (await appeal(intake, an_id(7))).status_code == httpx.codes.NOT_FOUND


async def test_what_is_no_appeal_is_not_granted(intake: Intake) -> None:
    one = await submitted(intake)
    assert (await grant(intake, one["id"])).status_code == httpx.codes.CONFLICT
    assert (await grant(intake, an_id(8))).status_code == httpx.codes.NOT_FOUND
