"""What the law's time does to single requests, under rules whose days are seconds, by command and API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dsr_cli.demo.holdings import holdings
from dsr_cli.demo.people import submission
from dsr_cli.demo.rules_in_seconds import write_in_seconds
from dsr_cli.group.systems import system_specs
from dsr_examples.people import Person
from support.command import Said, dsr
from support.loop import Loop, running_loop
from support.operating import AWAY, away, known_to, only_missing, somebody_with_invoices
from support.parts import ROOT, data_folder
from support.waiting import eventually

pytestmark = pytest.mark.timeout(240)

MONTH = timedelta(seconds=30)
LAWS = ("GB", "DE")
DONE = {"fulfilled", "partly_fulfilled"}


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    """The whole loop, under rules whose days are seconds."""
    with data_folder() as folder:
        rules_dir = write_in_seconds(ROOT / "rules", folder / "rules")
        with running_loop(folder / "data", rules_dir=rules_dir) as running:
            yield running


async def command(loop: Loop, *arguments: str) -> Said:
    said = await dsr(loop.stack.settings, *arguments)
    assert said.code == 0, said.err
    return said


async def submitted(loop: Loop, person: Person, **changes: Any) -> dict[str, Any]:
    async with loop.client() as client:
        accepted = await client.submit(submission(person) | changes)
        return await client.show(accepted["id"])


async def blockers(loop: Loop, request_id: str) -> list[str]:
    async with loop.client() as client:
        document = await client.blockers(request_id)
    return [one["kind"] for one in document["blockers"]]


def moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text))


async def passed(at: datetime) -> None:
    """Wait until a date lies behind."""
    left = (at - datetime.now(UTC)).total_seconds()
    await eventually(lambda: datetime.now(UTC) > at, within=max(left, 0) + 5)


def is_near(one: datetime, other: datetime) -> bool:
    return abs(one - other) < timedelta(seconds=1.5)  # a date ends with the last second of its day


async def test_a_clarification_under_uk_law_stops_the_clock_until_it_is_given(loop: Loop) -> None:
    async with away(loop) as back:
        [person] = known_to(loop, 1, AWAY)
        accepted = await submitted(loop, person, jurisdiction="GB", right="access")
        request_id, due = accepted["id"], moment(accepted["due_at"])
        await only_missing(loop, request_id)
        asked = ("--question", "which of the two accounts is meant")
        await command(loop, "request", "clarify", "ask", request_id, *asked, "--yes")
        dates = (await command(loop, "timeline", request_id, "--json")).json
        [asked_at] = [
            moment(one["at"]) for one in dates["facts"] if one["kind"] == "clarification_asked"
        ]
        assert {one["name"]: one["at"] for one in dates["entries"]}["respond_by"] is None
        assert await blockers(loop, request_id) == ["clarification_awaited"]
        await passed(due)
        assert (await loop.show(request_id))["state"] == "awaiting_clarification"
        await command(loop, "request", "clarify", "given", request_id, "--reason", "both", "--yes")
        shown = await loop.show(request_id)
        assert shown["state"] == "open"
        stood = datetime.now(UTC) - asked_at
        assert timedelta(0) <= due + stood - moment(shown["due_at"]) < timedelta(seconds=10)
        assert moment(shown["due_at"]) > datetime.now(UTC), "what stood still is not late"
        await back()
    await loop.answered(request_id)
    assert (await loop.show(request_id))["outcome"] in DONE
    assert await loop.closures(request_id) == 1


async def test_a_late_proof_starts_the_clock_where_the_law_waits_for_it_and_not_elsewhere(
    loop: Loop,
) -> None:
    asks = {"identity_attested": False, "channel": "email"}
    first = {one: await submitted(loop, loop.person(), jurisdiction=one, **asks) for one in LAWS}
    ids = {name: one["id"] for name, one in first.items()}
    received = {name: moment(one["received_at"]) for name, one in first.items()}
    await passed(received["DE"] + timedelta(seconds=3))
    for request_id in ids.values():
        assert await blockers(loop, request_id) == ["identity_not_proven"]
        assert await loop.obligations(request_id) == {}
    reason = ("--reason", "passport seen at the desk")
    proving = (command(loop, "identity", "prove", one, *reason, "--apply") for one in ids.values())
    await asyncio.gather(*proving)
    late = {name: await loop.show(one) for name, one in ids.items()}
    proven = moment(late["GB"]["identity_proven_at"])
    assert is_near(moment(late["GB"]["due_at"]), proven + MONTH)
    assert is_near(moment(late["DE"]["due_at"]), received["DE"] + MONTH)
    await loop.answered(*ids.values())
    for name, request_id in ids.items():
        assert (await loop.show(request_id))["outcome"] in DONE, name


async def test_a_withdrawn_first_frees_its_twins_and_the_earliest_clock_stays_theirs(
    loop: Loop,
) -> None:
    async with away(loop) as back:
        [person] = known_to(loop, 1, AWAY)
        first = await submitted(loop, person, jurisdiction="DE")
        await only_missing(loop, first["id"])
        twins = [await submitted(loop, person, jurisdiction="DE") for _ in range(2)]
        assert {one["duplicate_of"] for one in twins} == {first["id"]}
        ids = [one["id"] for one in twins]
        assert await blockers(loop, ids[0]) == await blockers(loop, first["id"])
        await command(loop, "request", "withdraw", first["id"], "--apply")
        await only_missing(loop, *ids)
        for one in twins:
            shown = await loop.show(one["id"])
            assert (shown["state"], shown["duplicate_of"]) == ("open", None)
            assert shown["due_at"] == one["due_at"] == first["due_at"]
        await back()
    await loop.answered(first["id"], *ids)
    assert (await loop.show(first["id"]))["outcome"] == "withdrawn"
    for one in ids:
        assert (await loop.show(one))["outcome"] in DONE
        assert await loop.closures(one) == 1
    assert (await holdings(loop.stack, [person]))[AWAY].theirs == 0


async def test_a_late_proof_and_an_earlier_letter_are_answered_with_the_first_by_the_earliest_date(
    loop: Loop,
) -> None:
    async with away(loop) as back:
        [person] = known_to(loop, 1, AWAY)
        first = await submitted(loop, person, jurisdiction="DE")
        unproven = await submitted(loop, person, jurisdiction="DE", identity_attested=False)
        assert (unproven["state"], unproven["duplicate_of"]) == ("awaiting_identity", None)
        reason = ("--reason", "passport seen at the desk")
        await command(loop, "identity", "prove", unproven["id"], *reason, "--apply")
        assert (await loop.show(unproven["id"]))["duplicate_of"] == first["id"]
        received = moment(first["received_at"]) - timedelta(seconds=6)
        letter = await submitted(
            loop, person, jurisdiction="DE", channel="post", received_at=received.isoformat()
        )
        assert letter["duplicate_of"] == first["id"]
        assert is_near(moment(letter["due_at"]), received + MONTH)

        async def is_brought_forward() -> bool:
            return bool((await loop.show(first["id"]))["due_at"] == letter["due_at"])

        await eventually(is_brought_forward)
        async with loop.client() as client:
            why = await client.blockers(first["id"])
        assert is_near(moment(why["next_date"]["at"]), received + MONTH)
        await back()
    ids = [first["id"], unproven["id"], letter["id"]]
    await loop.answered(*ids)
    assert {(await loop.show(one))["outcome"] for one in ids} <= DONE
    assert [await loop.closures(one) for one in ids] == [1, 0, 0]


async def test_a_refused_request_is_appealed_granted_by_another_and_followed(loop: Loop) -> None:
    async with away(loop) as back:
        [person] = known_to(loop, 1, AWAY)
        refused = await submitted(loop, person, jurisdiction="US-VA")
        await only_missing(loop, refused["id"])
        ground = ("--ground", "Va. Code § 59.1-577(B)(3)", "--reason", "the fifth this month")
        await command(loop, "request", "refuse", refused["id"], *ground, "--apply")
        await back()
    await loop.answered(refused["id"])
    assert (await loop.show(refused["id"]))["outcome"] == "refused"
    assert (await holdings(loop.stack, [person]))[AWAY].theirs > 0

    appeal = await submitted(loop, person, jurisdiction="US-VA", appeal_of=refused["id"])
    assert (appeal["state"], appeal["follows"]) == ("awaiting_decision", refused["id"])
    assert is_near(moment(appeal["due_at"]), moment(appeal["received_at"]) + 2 * MONTH)
    assert await blockers(loop, appeal["id"]) == ["appeal_undecided"]
    granting = ("appeal", "grant", appeal["id"], "--reason", "no other was made", "--apply")
    same = await dsr(loop.stack.settings, *granting)
    assert "409" in same.fault, "who refused cannot decide"
    await command(loop, *granting, "--as", "operator-2")
    await loop.answered(appeal["id"])
    assert (await loop.show(appeal["id"]))["outcome"] in DONE
    assert (await loop.show(refused["id"]))["outcome"] == "refused", "what is closed stays"
    assert (await holdings(loop.stack, [person]))[AWAY].theirs == 0


@asynccontextmanager
async def books_kept_until(loop: Loop, until: datetime) -> AsyncIterator[None]:
    """Have billing's books kept until a moment of the test's choice."""
    stack, name = loop.stack, loop.system("billing")
    spec = next(one for one in system_specs(stack) if one.name == name)
    variable = {"DSR_EXAMPLE_BOOKS_KEPT_UNTIL": until.isoformat()}
    stack.add(replace(spec, name=f"{name}-soon", env={**spec.env, **variable}))
    await asyncio.to_thread(stack.stop, name)
    await asyncio.to_thread(stack.start, f"{name}-soon")
    try:
        yield
    finally:
        await asyncio.to_thread(stack.stop, f"{name}-soon")
        await asyncio.to_thread(stack.start, name)


async def follow_up_of(loop: Loop, request_id: str) -> dict[str, Any] | None:
    async with loop.client() as client:
        newest = await client.list(limit=50)
    found = [one for one in newest["items"] if one["follows"] == request_id]
    assert len(found) <= 1
    return found[0] if found else None


async def test_what_was_kept_is_asked_for_again_on_its_date_and_is_gone_then(loop: Loop) -> None:
    person, until = await somebody_with_invoices(loop), datetime.now(UTC) + timedelta(seconds=25)
    async with books_kept_until(loop, until):
        first = (await submitted(loop, person, jurisdiction="DE"))["id"]
        await loop.answered(first)
        assert (await loop.show(first))["outcome"] == "partly_fulfilled"
        [kept] = (await loop.obligations(first))["billing"]["exemptions"]
        assert moment(kept["review_at"]) == until
        assert (await holdings(loop.stack, [person]))["billing"].theirs == kept["records"] > 0
        assert await follow_up_of(loop, first) is None, "its date has not come"
        review = await eventually(lambda: follow_up_of(loop, first), within=60)
        assert datetime.now(UTC) > until
        assert (review["follows"], review["follows_why"]) == (first, "exemption_review")
        await loop.answered(review["id"])
    shown = await loop.show(review["id"])
    assert shown["outcome"] == "fulfilled"
    assert is_near(moment(shown["due_at"]), until + MONTH)
    assert list(await loop.obligations(review["id"])) == ["billing"]
    assert (await holdings(loop.stack, [person]))["billing"].theirs == 0
