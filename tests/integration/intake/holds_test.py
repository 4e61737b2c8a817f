"""Legal holds: on a request, of some systems or all, overlapping, lifted, and erasure resumed."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from integration.intake.closures_test import a_record, answered
from integration.intake.extending_test import ask, clarify
from integration.intake.sealing_test import seal

from dsr_contracts.v1 import notices_pb2
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.commands import ClarificationAsked, ClarificationGiven
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced
from support.builders import an_id
from support.decisions import (
    a_cohort,
    commands,
    outcome_of,
    standing,
    submitted,
    withdraw,
)
from support.holds import lift, listed, place, placed, someone, state_of
from support.intake import Intake, Topics


async def sealed(
    intake: Intake, cohort_id: str, registry: Registry, systems: list[str]
) -> dict[str, list[str]]:
    answer = await seal(intake, cohort_id, registry.digest, systems)
    response = notices_pb2.SealResponse.FromString(answer.content)
    return {
        one.system_id: sorted(each.request_id for each in one.identities)
        for one in response.systems
    }


def two_systems(registry: Registry) -> list[str]:
    return [one.id for one in registry.systems if Right.DELETION in one.rights][:2]


async def test_a_hold_sets_one_member_apart_and_lifting_it_has_erasure_go_on(
    intake: Intake, topics: Topics, registry: Registry
) -> None:
    home, ids = await a_cohort(intake, 3)
    hold_id = await placed(intake, request_id=ids[0])
    assert await state_of(intake, ids[0]) == "on_hold"
    assert await standing(intake, home) == (3, 2)
    systems = two_systems(registry)
    assert set(map(tuple, (await sealed(intake, home, registry, systems)).values())) == {
        tuple(sorted(ids[1:]))
    }
    assert (await listed(intake))[hold_id]["requests"] == 1
    lifted = await lift(intake, hold_id)
    assert lifted.json()["lifted_by"] == lifted.json()["placed_by"]
    assert await state_of(intake, ids[0]) == "open"
    assert (await sealed(intake, ids[0], registry, systems[:1]))[systems[0]] == [ids[0]]
    first, second = await commands(topics, home, 2)
    assert (first.decision, first.revision) == (HoldPlaced(hold_id), 1)
    assert (second.decision, second.revision) == (HoldLifted(hold_id), 2)
    assert (await listed(intake))[hold_id]["requests"] == 0
    assert (await lift(intake, hold_id)).status_code == httpx.codes.CONFLICT


async def test_under_one_idempotency_key_one_hold_is_placed(intake: Intake) -> None:
    one = await submitted(intake)
    key = f"hold-{one['id']}"
    answers = await asyncio.gather(
        *(place(intake, key=key, request_id=one["id"]) for _ in range(4))
    )
    assert {each.status_code for each in answers} == {httpx.codes.CREATED}
    [hold_id] = {each.json()["id"] for each in answers}
    held = "select count(*) from intake.held_requests where request_id = $1"
    assert await intake.pool.fetchval(held, one["id"]) == 1
    other = await place(intake, key=key, request_id=one["id"], reason="another case")
    assert other.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert other.json()["type"].endswith("idempotency_key_reused")
    await lift(intake, hold_id)
    await withdraw(intake, one["id"])  # nothing new could be held any more
    again = await place(intake, key=key, request_id=one["id"])
    assert (again.status_code, again.json()["id"]) == (httpx.codes.CREATED, hold_id)
    assert again.json()["lifted_at"]


async def test_of_holds_that_overlap_the_last_that_is_lifted_resumes(
    intake: Intake, topics: Topics
) -> None:
    one = await submitted(intake)
    holds = [await placed(intake, request_id=one["id"]) for _ in range(3)]
    for hold_id in holds[:2]:
        await lift(intake, hold_id)
        assert await state_of(intake, one["id"]) == "on_hold"
    await lift(intake, holds[2])
    assert await state_of(intake, one["id"]) == "open"
    told = await commands(topics, one["id"], 6)
    assert [command.revision for command in told] == [1, 2, 3, 4, 5, 6]


async def test_a_hold_on_some_categories_holds_the_systems_that_have_them(
    intake: Intake, topics: Topics, registry: Registry
) -> None:
    erasing = [one for one in registry.systems if Right.DELETION in one.rights]
    named = erasing[0]
    category = erasing[-1].categories[0]
    home, ids = await a_cohort(intake, 2)
    hold_id = await placed(intake, request_id=ids[0], system_ids=[named.id], categories=[category])
    [command] = await commands(topics, home)
    assert isinstance(command.decision, HoldPlaced)
    assert command.decision.hold_id == hold_id
    held = set(command.decision.system_ids)
    assert {named.id, erasing[-1].id} <= held
    free = {one.id for one in erasing} - held
    assert free
    found = await sealed(intake, home, registry, [one.id for one in erasing])
    for system_id, members in found.items():
        assert members == (sorted(ids) if system_id in free else [ids[1]])


async def test_a_closure_ends_what_is_held_and_lifting_moves_it_no_more(
    intake: Intake, publisher: Publisher
) -> None:
    one = await submitted(intake)
    hold_id = await placed(intake, request_id=one["id"])
    await publisher.publish([a_record(one["id"], one["id"])])
    assert outcome_of(await answered(intake, one["id"])) == ("answered", "fulfilled")
    assert (await lift(intake, hold_id)).status_code == httpx.codes.OK
    assert await state_of(intake, one["id"]) == "answered"
    assert (await listed(intake))[hold_id]["requests"] == 0
    refused = await place(intake, request_id=one["id"])
    assert refused.status_code == httpx.codes.CONFLICT
    assert (
        "allowed in received or open or on_hold or awaiting_clarification, not in answered"
        in refused.json()["detail"]
    )


async def test_what_is_held_can_be_withdrawn(intake: Intake) -> None:
    one = await submitted(intake)
    hold_id = await placed(intake, request_id=one["id"])
    assert (await withdraw(intake, one["id"])).json()["state"] == "stopping"
    await lift(intake, hold_id)
    assert await state_of(intake, one["id"]) == "stopping"
    assert (await listed(intake))[hold_id]["requests"] == 0


async def test_a_hold_while_clarification_is_awaited_is_told_at_once_and_outlasts_the_answer(
    intake: Intake, topics: Topics, registry: Registry
) -> None:
    one = await submitted(intake)
    await ask(intake, one["id"])
    hold_id = await placed(intake, request_id=one["id"])
    assert await state_of(intake, one["id"]) == "awaiting_clarification"
    systems = two_systems(registry)[:1]
    assert (await sealed(intake, one["id"], registry, systems))[systems[0]] == []
    assert (await clarify(intake, one["id"])).json()["state"] == "on_hold"
    assert (await sealed(intake, one["id"], registry, systems))[systems[0]] == []
    await lift(intake, hold_id)
    assert await state_of(intake, one["id"]) == "open"
    told = await commands(topics, one["id"], 4)
    assert [(command.revision, command.decision) for command in told] == [
        (1, ClarificationAsked()),
        (2, HoldPlaced(hold_id)),
        (3, ClarificationGiven()),
        (4, HoldLifted(hold_id)),
    ]


async def test_a_hold_that_is_lifted_while_clarification_is_awaited_leaves_the_question_open(
    intake: Intake, topics: Topics
) -> None:
    one = await submitted(intake)
    await ask(intake, one["id"])
    hold_id = await placed(intake, request_id=one["id"])
    await lift(intake, hold_id)
    assert await state_of(intake, one["id"]) == "awaiting_clarification"
    assert (await clarify(intake, one["id"])).json()["state"] == "open"
    told = await commands(topics, one["id"], 4)
    assert told[2].decision == HoldLifted(hold_id)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"request_id": an_id(1), "person": someone("x")}, ""),
        ({"request_id": an_id(1)}, "/request_id"),
        ({"person": someone("x"), "system_ids": ["no-such-system"]}, "/system_ids"),
        ({"person": someone("x"), "categories": ["no.such"]}, "/categories"),
        ({"person": someone("x"), "effective_at": "2090-01-01T00:00:00Z"}, "/effective_at"),
        ({"person": []}, "/person"),
    ],
)
async def test_a_hold_that_cannot_be_is_refused(
    intake: Intake, body: dict[str, Any], pointer: str
) -> None:
    answer = await place(intake, **body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await lift(intake, an_id(1))).status_code == httpx.codes.NOT_FOUND
