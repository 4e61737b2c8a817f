"""What people decide about requests, while whoever carries it out is killed at each durable write."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from chaos.crashes import Aftermath, Crashing

from dsr_cli.connection import OPERATORS
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
    mailed,
    only_missing,
    shown,
    submit_cohort,
)
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]

DECIDED = ("decision.before", "decision.after", "decision.command.before", "decision.command.after")
TAKEN = ("decide.before", "decide.after", "decision.offset.before", "decision.offset.after")
AMENDED = ("amend.recorded.before", "amend.recorded.after")
TOLD = ("amend.before", "amend.after", "notify.before", "notify.after")


async def due_at(loop: Loop, request_id: str) -> datetime:
    return datetime.fromisoformat((await shown(loop, request_id))["due_at"])


async def by_letter(loop: Loop, person: Person) -> str:
    """Submit for somebody who is told by letter."""
    async with loop.client() as client:
        accepted = await client.submit(submission(person) | {"jurisdiction": "GB", "letters": True})
    return str(accepted["id"])


async def decisions_of(loop: Loop, request_id: str) -> list[str]:
    rows = await loop.query(
        "select kind from intake.decisions where request_id = $1::uuid and revision > 0"
        " order by revision",
        request_id,
    )
    return [row["kind"] for row in rows]


async def test_decisions_survive_a_death_at_each_write_and_each_is_taken_once(
    loop: Loop, crashing: Crashing, aftermath: Aftermath
) -> None:
    desk, people = Desk(loop), known_to(loop, 6, AWAY, *SYSTEMS)
    before = await aftermath.held(*people)
    async with away(loop) as back:
        ids = await submit_cohort(loop, people[1:], jurisdiction="GB")
        stays, withdrawn, refused, clarified, settled = ids
        extended = await by_letter(loop, people[0])
        ids.insert(0, extended)
        await only_missing(loop, *ids)
        due = await due_at(loop, stays)

        await crashing.dying_at(desk.withdraw(withdrawn), DECIDED, TAKEN, AMENDED)
        ground = {"ground": "UK GDPR 12(5)(b)", "reason": "the fifth this week"}
        await crashing.dying_at(desk.decide(refused, "refusal", **ground), TOLD)

        async def told_of_an_extension() -> None:
            await desk.decide(extended, "extension", reason="archives of four countries")

            async def is_later() -> bool:
                return await due_at(loop, extended) > due

            await eventually(is_later, within=300, what="the date has moved")

        await crashing.dying_at(
            told_of_an_extension(),
            ("decision.after", "letter.mail.after", "decision.before", "decision.after"),
            AMENDED[1:],
        )
        question = {"question": "which of the two accounts is meant"}
        await crashing.dying_at(
            desk.decide(clarified, "clarification:ask", **question), DECIDED[2:3]
        )
        await crashing.dying_at(
            desk.decide(clarified, "clarification:give", reason="both"), DECIDED[:1]
        )
        await crashing.dying_at(
            desk.decide(
                settled, "settlements", system_id=AWAY, disposition="erased", reason="scrapped"
            ),
            ("settle.propose.before", "settle.propose.after"),
        )
        proposal = (await desk.settlements(settled))[0]["id"]
        approval = f"settlements/{proposal}/approval"
        await crashing.dying_at(
            desk.decide(settled, approval, by=OPERATORS[1]), DECIDED[1:2], AMENDED[:1]
        )
        await loop.answered(settled, within=120)
        for one in (stays, extended, clarified):
            assert await loop.closures(one) == 0, "nothing closes while its system is away"
        await back()
        await loop.answered(*ids, within=120)

    ends = {one: (await loop.show(one))["outcome"] for one in ids}
    assert (ends.pop(withdrawn), ends.pop(refused)) == ("withdrawn", "refused")
    assert set(ends.values()) <= {"fulfilled", "partly_fulfilled"}
    assert await due_at(loop, extended) > due
    assert await due_at(loop, clarified) >= due
    assert {one: await decisions_of(loop, one) for one in ids} == {
        stays: [],
        withdrawn: ["withdraw"],
        refused: ["refuse"],
        extended: ["extend", "tell_extension"],
        clarified: ["ask_clarification", "clarify"],
        settled: ["settle"],
    }
    told = Counter(kind for kind, _ in mailed(loop, extended))
    assert told == {"received": 1, "extended": 4, "done": 1}, "and again after each of three deaths"
    for one in (withdrawn, refused):
        assert (await loop.obligations(one))[AWAY]["disposition"] == "stopped"
    [was, now] = before.by_system[AWAY].theirs, (await holdings(loop.stack, people))[AWAY].theirs
    kept = [people[ids.index(one)] for one in (withdrawn, refused)]
    assert was > now == (await holdings(loop.stack, kept))[AWAY].theirs > 0
    await aftermath.has_ended(ids, before)
