"""Legal holds, while whoever places, carries out or lifts them is killed at each durable write."""

from __future__ import annotations

import pytest
from chaos.crashes import Aftermath, Crashing

from dsr_cli.demo.holdings import holdings
from dsr_cli.demo.people import submission
from dsr_examples.people import Person
from support.crash_points import SYSTEMS
from support.loop import Loop
from support.operating import (
    AWAY,
    Desk,
    away,
    known_to,
    only_missing,
    submit_cohort,
    until,
)
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]

PLACED = ("hold.place.before", "hold.place.after")
LIFTED = ("hold.lift.before", "hold.lift.after")
DROPPED = ("hold.drop.before", "hold.drop.after")
DECIDED = ("decision.before", "decision.after", "decision.command.before", "decision.command.after")
TAKEN = ("decide.after", "amend.after", "notify.before")
AMENDED = ("amend.recorded.before", "amend.recorded.after")
PROVEN = ("prove.before", "prove.after", "decision.command.before", "decision.command.after")
TOLD = ("prove.signal.before", "prove.signal.after", "decision.offset.before")


async def amended(loop: Loop, request_id: str) -> list[str]:
    rows = await loop.query(
        "select kind from verifier.amendments where request_id = $1::uuid order by revision, kind",
        request_id,
    )
    return [row["kind"] for row in rows]


async def holds_on(loop: Loop, request_id: str) -> int:
    [row] = await loop.query(
        "select count(*) as n from intake.held_requests"
        " where request_id = $1::uuid and lifted_at is null",
        request_id,
    )
    return int(row["n"])


async def at_it(loop: Loop, *people: Person) -> list[int]:
    """Return how much the system that was away holds of each."""
    return [(await holdings(loop.stack, [one]))[AWAY].theirs for one in people]


async def test_holds_are_placed_and_lifted_once_and_nothing_is_erased_between(
    loop: Loop, crashing: Crashing, aftermath: Aftermath
) -> None:
    desk, people = Desk(loop), known_to(loop, 3, AWAY, *SYSTEMS)
    before = await aftermath.held(*people)
    async with away(loop) as back:
        ids = await submit_cohort(loop, people, jurisdiction="DE")
        of_person, of_request, free = ids
        await only_missing(loop, *ids)
        person = [{"kind": "email", "value": people[0].email}]

        async def held(one: str, reason: str, **about: object) -> str:
            hold_id = await desk.hold(f"{reason} {one}", **about)
            await until(loop, one, "on_hold")
            return hold_id

        first = await crashing.dying_at(
            held(of_person, "on the person", person=person), (*PLACED, *DECIDED[1:]), TAKEN, AMENDED
        )
        second = await crashing.dying_at(
            held(of_request, "on the request", request_id=of_request), (PLACED[1], DECIDED[0])
        )

        async def both_are_on_record() -> bool:
            found = [await amended(loop, one) for one in (of_person, of_request)]
            return found == [["hold_placed", "left_cohort"]] * 2

        await eventually(both_are_on_record, within=60, what="the ledger has both holds")
        await back()
        await loop.answered(free, within=300)
        theirs = await at_it(loop, *people)
        assert theirs[0] > 0 < theirs[1]
        assert theirs[2] == 0

    async def lifted(hold_id: str, request_id: str) -> None:
        await desk.lift(hold_id)
        await until(loop, request_id, "answered")

    await crashing.dying_at(
        lifted(first, of_person), (*LIFTED, DECIDED[0], DECIDED[2]), TAKEN[1:], AMENDED[:1]
    )
    await crashing.dying_at(lifted(second, of_request), (LIFTED[1], DECIDED[1]))

    all_holds = await desk.holds()
    assert len({one["reason"] for one in all_holds}) == len(all_holds), "each is placed once"
    assert [one["requests"] for one in all_holds if one["id"] in {first, second}] == [0, 0]
    for one in (of_person, of_request):
        assert await amended(loop, one) == ["hold_placed", "left_cohort", "hold_lifted"]
        assert not await loop.query(
            "select 1 from verifier.breaches where request_id = $1::uuid", one
        )
    assert await at_it(loop, *people) == [0, 0, 0]
    await aftermath.has_ended(ids, before)


async def test_a_hold_that_is_lifted_before_the_proof_holds_nothing_after_it(
    loop: Loop, crashing: Crashing, aftermath: Aftermath
) -> None:
    desk, [person] = Desk(loop), known_to(loop, 1, AWAY, *SYSTEMS)
    before = await aftermath.held(person)
    body = submission(person) | {"jurisdiction": "DE", "identity_attested": False}
    async with loop.client() as client:
        request_id = (await client.submit(body))["id"]
    hold_id = await desk.hold(f"before the proof {request_id}", request_id=request_id)
    assert await holds_on(loop, request_id) == 1

    async def lifted() -> None:
        await desk.lift(hold_id)

        async def is_free() -> bool:
            return await holds_on(loop, request_id) == 0

        await eventually(is_free, within=300, what="nothing holds it")

    await crashing.dying_at(lifted(), (LIFTED[1], *DROPPED))
    assert (await loop.show(request_id))["state"] == "awaiting_identity"
    assert await loop.obligations(request_id) == {}

    async def proven() -> None:
        await desk.prove(request_id)
        await until(loop, request_id, "answered")

    await crashing.dying_at(proven(), PROVEN, TOLD)
    assert await amended(loop, request_id) == [], "it was never on hold"
    assert await at_it(loop, person) == [0]
    await aftermath.has_ended([request_id], before)
