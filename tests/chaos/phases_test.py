"""Systems that wait for others, and a person found through one of them, with kills at each durable write."""

from __future__ import annotations

from itertools import pairwise

import pytest
from chaos.crashes import Aftermath, Crashing, Submitted, submit_surely

from dsr_cli.demo.people import submission
from dsr_examples.people import Person
from support.loop import Loop
from support.operating import known_to, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]

RESOLVER, BLIND = "accounts", "identity-checks"

CONFIRMED = (
    "phase.confirm.before",
    "phase.confirm.after",
    "phase.publish.before",
    "phase.publish.after",
)
HINTED = ("phase.signal.before", "phase.signal.after", "phase.offset.before")
TOLD = ("phase.tell.before", "phase.tell.after")
RECORDED = ("phase.told.before", "phase.told.after")
PASSED = ("links.pass.before", "links.pass.after", "links.publish.before", "links.publish.after")
TAKEN = ("links.take.before", "links.take.after", "links.offset.before", "links.offset.after")


@pytest.mark.parametrize(
    "paths", [(CONFIRMED, HINTED), (RECORDED, TOLD)], ids=["confirmed", "told"]
)
async def test_a_phase_is_told_once_its_forerunner_confirmed_whoever_dies_when(
    loop: Loop, crashing: Crashing, aftermath: Aftermath, paths: tuple[tuple[str, ...], ...]
) -> None:
    one = Submitted(aftermath.person())
    before = await aftermath.held(one.person)

    async def closed() -> None:
        async with loop.client() as client:
            await submit_surely(client, one)
        await until(loop, one.request_id, "answered")

    await crashing.dying_at(closed(), *paths)
    await aftermath.is_whole([one], before)
    phases = await loop.query(
        "select phase, told_at, confirmed_at, is_due from verifier.phases p"
        " join verifier.requests r using (cohort_id) where r.request_id = $1::uuid order by phase",
        one.request_id,
    )
    assert len(phases) > 1
    assert not any(row["is_due"] for row in phases), "no phase was told for its date alone"
    for earlier, later in pairwise(phases):
        assert earlier["confirmed_at"] <= later["told_at"]


def without_account(person: Person) -> dict[str, object]:
    body = submission(person)
    return body | {"identity": [one for one in body["identity"] if one["kind"] != "account_id"]}


async def test_who_was_found_out_is_asked_about_whoever_dies_when(
    loop: Loop, crashing: Crashing, aftermath: Aftermath
) -> None:
    [person] = known_to(loop, 1, RESOLVER, BLIND)
    before = await aftermath.held(person)
    request_ids: list[str] = []

    async def closed() -> None:
        async with loop.client() as client:
            request_ids.append(str((await client.submit(without_account(person)))["id"]))
        await until(loop, request_ids[0], "answered")

    await crashing.dying_at(closed(), PASSED, TAKEN)
    [request_id] = request_ids
    owed = (await loop.obligations(request_id))[BLIND]
    assert (owed["disposition"], owed["is_confirmed"]) == ("erased", True)
    steps = await loop.query(
        "select kind, outcome from intake.link_steps where request_id = $1::uuid", request_id
    )
    assert [(row["kind"], row["outcome"]) for row in steps] == [("account_id", "used")]
    await aftermath.has_ended([request_id], before)
