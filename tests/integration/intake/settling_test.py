"""An answer in place of a system: one person proposes it, another approves it, and then it counts."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from integration.intake.identity_test import awaiting

from dsr_core.registry import Registry
from dsr_core.rights import Disposition, Right
from dsr_wire.codec.decisions import ObligationSettled
from support.builders import an_id
from support.decisions import (
    INTERNAL,
    a_cohort,
    commands,
    decide,
    refuse,
    shown,
    standing,
    submitted,
)
from support.intake import Intake, Topics

WORDS = {"disposition": "erased", "reason": "its disks were destroyed"}


def a_system(registry: Registry) -> str:
    return next(one.id for one in registry.systems if Right.DELETION in one.rights)


async def propose(
    intake: Intake, request_id: str, registry: Registry, **body: str
) -> httpx.Response:
    words = WORDS | {"system_id": a_system(registry)} | body
    return await decide(intake, request_id, "settlements", **words)


async def approve(
    intake: Intake, request_id: str, proposal_id: str, by: dict[str, str]
) -> httpx.Response:
    return await decide(intake, request_id, f"settlements/{proposal_id}/approval", by=by)


async def listed(intake: Intake, request_id: str) -> list[dict[str, Any]]:
    path = f"{INTERNAL}/subject-requests/{request_id}/settlements"
    found = (await intake.http.get(path, headers=intake.desk)).json()
    return list(found["settlements"])


async def test_what_another_person_approves_counts_as_the_systems_answer(
    intake: Intake, topics: Topics, registry: Registry
) -> None:
    home, ids = await a_cohort(intake, 2)
    found_by, counsel = await intake.made(role="operator", jurisdictions=["*"])
    proposal = (await propose(intake, ids[0], registry)).json()
    assert (await shown(intake, ids[0]))["cohort_id"] == home  # nothing has changed yet
    found = (await approve(intake, ids[0], proposal["id"], counsel)).json()
    assert (found["state"], found["cohort_id"]) == ("open", ids[0])
    assert await standing(intake, home) == (2, 1)
    [command] = await commands(topics, home)
    assert command.decision == ObligationSettled(
        system_id=a_system(registry),
        disposition=Disposition.ERASED,
        proposed_by=proposal["proposed_by"],
        approved_by=found_by,
        reason="its disks were destroyed",
    )
    [one] = await listed(intake, ids[0])
    assert (one["id"], one["approved_by"]) == (proposal["id"], found_by)


async def test_nobody_approves_what_they_proposed(intake: Intake, registry: Registry) -> None:
    one = await submitted(intake)
    proposal = (await propose(intake, one["id"], registry)).json()
    answer = await approve(intake, one["id"], proposal["id"], intake.desk)
    assert answer.status_code == httpx.codes.CONFLICT
    assert answer.json()["type"].endswith("same_person")
    assert [each["approved_by"] for each in await listed(intake, one["id"])] == [None]


async def test_a_proposal_is_approved_once(
    intake: Intake, topics: Topics, registry: Registry
) -> None:
    one = await submitted(intake)
    operators = [await intake.operator() for _ in range(4)]
    proposal = (await propose(intake, one["id"], registry)).json()
    answers = await asyncio.gather(
        *(approve(intake, one["id"], proposal["id"], by) for by in operators)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(await commands(topics, one["id"])) == 1


async def test_only_what_ends_the_obligation_is_proposed(
    intake: Intake, registry: Registry
) -> None:
    one = await submitted(intake)
    for body in (
        {"disposition": "failed"},
        {"disposition": "exempt"},  # its ground is the system's to state
        {"disposition": "stopped"},  # nobody has withdrawn it
        {"system_id": "no-such-system"},
    ):
        assert (await propose(intake, one["id"], registry, **body)).status_code == 422
    await refuse(intake, one["id"])
    stopped = await propose(intake, one["id"], registry, disposition="stopped")
    assert stopped.status_code == httpx.codes.CREATED


async def test_before_anybody_was_asked_there_is_nothing_to_settle(
    intake: Intake, registry: Registry
) -> None:
    one = await awaiting(intake)
    answer = await propose(intake, one["id"], registry)
    assert answer.status_code == httpx.codes.CONFLICT
    assert "settle is allowed in" in answer.json()["detail"]
    assert (await propose(intake, an_id(1), registry)).status_code == httpx.codes.NOT_FOUND
    other = await submitted(intake)
    proposal = (await propose(intake, other["id"], registry)).json()
    strange = await approve(intake, one["id"], proposal["id"], intake.counsel)
    assert strange.status_code == httpx.codes.NOT_FOUND
