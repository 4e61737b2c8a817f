"""Legal holds on a person: on what is open, on what comes, and on what comes at the same moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from integration.intake.extending_test import ask, clarify
from integration.intake.holds_test import sealed, two_systems
from integration.intake.identity_test import awaiting, prove

from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.codec.commands import IdentityVerified
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced
from dsr_wire.topics import REQUESTS
from support.builders import an_id
from support.decisions import (
    BASE,
    commands,
    submitted,
)
from support.holds import lift, listed, placed, someone, state_of
from support.intake import Intake, Topics, VerifierDouble, running_intake
from support.submissions import a_submission, ndjson
from support.waiting import eventually


async def test_a_hold_on_a_person_covers_what_is_open_and_what_comes(
    intake: Intake, topics: Topics
) -> None:
    person = someone("held-before-and-after")
    before = [await submitted(intake, identity=person) for _ in range(2)]
    other = await submitted(intake, identity=someone("not-held"))
    upper = [{"kind": "email", "value": "Held-Before-And-After@EXAMPLE.com"}]
    hold_id = await placed(intake, person=upper)
    for one in before:
        assert await state_of(intake, one["id"]) == "on_hold"
    assert await state_of(intake, other["id"]) == "open"
    after = await submitted(intake, identity=[*person, {"kind": "username", "value": "x"}])
    assert (after["state"], after["cohort_id"]) == ("on_hold", after["id"])
    assert await state_of(intake, after["id"]) == "on_hold"
    [command] = await commands(topics, after["id"])
    assert (command.decision, command.revision) == (HoldPlaced(hold_id), 1)
    assert await topics.find(REQUESTS.name, {after["id"]}, 1)
    await lift(intake, hold_id)
    for one in (*before, after):
        assert await state_of(intake, one["id"]) == "open"
    late = await submitted(intake, identity=person)
    assert late["state"] == "open"


async def test_in_a_batch_a_held_person_is_alone_and_the_others_are_together(
    intake: Intake,
) -> None:
    await placed(intake, person=someone("held-in-a-batch"))
    lines = [a_submission(n, idempotency_key=str(n)) for n in range(3)]
    lines.append(a_submission(identity=someone("held-in-a-batch"), idempotency_key="held"))
    headers = await intake.client() | {"content-type": "application/x-ndjson"}
    answer = await intake.http.post(f"{BASE}:batch", content=ndjson(lines), headers=headers)
    results = [orjson.loads(line) for line in answer.text.splitlines()]
    *others, held = results
    assert len({one["cohort_id"] for one in others}) == 1
    assert held["cohort_id"] == held["id"]
    assert await state_of(intake, held["id"]) == "on_hold"
    again = await intake.http.post(f"{BASE}:batch", content=ndjson(lines), headers=headers)
    assert again.text == answer.text


async def test_the_same_key_gives_the_answer_of_the_first_call_after_the_hold_is_lifted(
    intake: Intake,
) -> None:
    hold_id = await placed(intake, person=someone("held-with-a-key"))
    body = a_submission(identity=someone("held-with-a-key"))
    headers = {"idempotency-key": "held"}
    first = (await intake.http.post(BASE, json=body, headers=headers)).json()
    assert first["state"] == "on_hold"
    await lift(intake, hold_id)
    assert (await intake.http.post(BASE, json=body, headers=headers)).json() == first


async def test_while_a_proof_is_awaited_a_hold_waits_as_well(
    intake: Intake, topics: Topics, registry: Registry
) -> None:
    person = someone("held-while-waiting")
    unproven = await awaiting(intake, identity=person)
    asked = await submitted(intake, identity=person)
    await ask(intake, asked["id"])
    hold_id = await placed(intake, person=person)
    late = await awaiting(intake, identity=person)
    assert await state_of(intake, asked["id"]) == "awaiting_clarification"
    told = await commands(topics, asked["id"], 2)
    assert told[1].decision == HoldPlaced(hold_id)
    systems = two_systems(registry)[:1]
    assert (await sealed(intake, asked["id"], registry, systems))[systems[0]] == []
    assert (await clarify(intake, asked["id"])).json()["state"] == "on_hold"
    for one in (unproven, late):
        await prove(intake, one["id"])

    async def are_held() -> bool:
        states = [await state_of(intake, one["id"]) for one in (unproven, late)]
        return states == ["on_hold"] * 2

    await eventually(are_held)


async def test_a_hold_on_some_systems_leaves_no_other_out_of_the_first_notice(
    intake: Intake, registry: Registry
) -> None:
    person = someone("held-in-part-while-waiting")
    before = await awaiting(intake, identity=person)
    named, free = two_systems(registry)
    await placed(intake, person=person, system_ids=[named])
    after = await awaiting(intake, identity=person)
    for one in (before, after):
        await prove(intake, one["id"])
        found = await sealed(intake, one["id"], registry, [named, free])
        assert found == {named: [], free: [one["id"]]}


async def test_a_hold_on_some_systems_that_holds_a_request_whole_is_narrowed_before_the_proof(
    intake: Intake, registry: Registry
) -> None:
    one = await awaiting(intake)
    named, free = two_systems(registry)
    await left_behind(intake, an_id(76), one["id"], system_ids=(named,))

    async def is_narrowed() -> bool:
        query = "select system_ids from intake.held_requests where request_id = $1"
        return list(await intake.pool.fetchval(query, one["id"])) == [named]

    await eventually(is_narrowed)
    await prove(intake, one["id"])
    found = await sealed(intake, one["id"], registry, [named, free])
    assert found == {named: [], free: [one["id"]]}


async def test_a_hold_that_is_lifted_before_the_proof_leaves_nothing_behind(
    intake: Intake, topics: Topics, registry: Registry
) -> None:
    person = someone("lifted-before-the-proof")
    one = await awaiting(intake, identity=person)
    hold_id = await placed(intake, person=person)
    await lift(intake, hold_id)
    await prove(intake, one["id"])
    [system] = two_systems(registry)[:1]
    assert (await sealed(intake, one["id"], registry, [system]))[system] == [one["id"]]
    assert (await listed(intake))[hold_id]["requests"] == 0
    [command] = await commands(topics, one["id"])
    assert isinstance(command.decision, IdentityVerified)


async def test_a_hold_that_is_lifted_after_a_notice_has_left_systems_out_has_them_told(
    intake: Intake, topics: Topics
) -> None:
    one = await submitted(intake)
    hold_id = an_id(78)
    # What replicas leave that are killed after the first write of placing it, and of lifting it.
    await left_behind(intake, hold_id, one["id"], lifted_at=datetime.now(UTC))
    told = await commands(topics, one["id"], 2)
    assert [command.decision for command in told] == [HoldPlaced(hold_id), HoldLifted(hold_id)]
    assert await state_of(intake, one["id"]) == "open"
    assert (await listed(intake))[hold_id]["requests"] == 0


async def test_a_hold_from_a_replica_whose_clock_is_ahead_is_placed(intake: Intake) -> None:
    one = await submitted(intake)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    await left_behind(intake, an_id(79), one["id"], effective_at=ahead)

    async def is_held() -> bool:
        return await state_of(intake, one["id"]) == "on_hold"

    await eventually(is_held)
    [placed_at] = await intake.pool.fetchrow(
        "select effective_at from intake.decisions where request_id = $1", one["id"]
    )
    assert placed_at < ahead


async def left_behind(
    intake: Intake,
    hold_id: str,
    request_id: str,
    *,
    effective_at: datetime | None = None,
    lifted_at: datetime | None = None,
    system_ids: tuple[str, ...] = (),
) -> None:
    """Write a hold as a replica leaves it that is killed before any request is put on hold."""
    await intake.pool.execute(
        """
        with h as (
            insert into intake.holds (id, request_id, authority, reason, placed_by, system_ids,
                categories, effective_at, recorded_at, lifted_at, lifted_by, lift_reason)
            values ($1, $2, 'a court', 'a case', 'desk', $5, '{}', $3, now(), $4,
                case when $4::timestamptz is not null then 'desk' end,
                case when $4::timestamptz is not null then 'settled' end)
        )
        insert into intake.held_requests (request_id, hold_id, system_ids) values ($2, $1, '{}')
        """,
        hold_id,
        request_id,
        effective_at or datetime.now(UTC),
        lifted_at,
        system_ids,
    )


async def test_a_hold_and_submissions_at_the_same_moment_leave_nobody_out(intake: Intake) -> None:
    person = someone("held-in-a-race")

    async def submit() -> dict[str, Any]:
        return await submitted(intake, identity=person)

    hold_id, *accepted = await asyncio.gather(
        placed(intake, person=person), *(submit() for _ in range(20))
    )

    async def are_held() -> bool:
        states = [await state_of(intake, one["id"]) for one in accepted]
        return states == ["on_hold"] * 20

    await eventually(are_held)
    assert (await listed(intake))[hold_id]["requests"] == 20


async def test_another_replica_hears_of_a_hold_and_goes_on_with_what_a_crash_left(
    intake: Intake,
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path: Path,
) -> None:
    person = someone("held-after-a-crash")
    one = await submitted(intake, identity=person)
    hold_id = an_id(77)
    # What a replica leaves that is killed after the first write of placing a hold.
    await intake.pool.execute(
        """
        with h as (
            insert into intake.holds (id, authority, reason, placed_by, system_ids, categories,
                effective_at, recorded_at) values ($1, 'a court', 'a case', 'desk', '{}', '{}', $2, $2)
        ), x as (
            insert into intake.hold_hashes (hash, hold_id)
            select unnest(lookup_hashes), $1 from intake.subject_requests where id = $3
        )
        insert into intake.held_requests (request_id, hold_id, system_ids) values ($3, $1, '{}')
        """,
        hold_id,
        datetime.now(UTC),
        one["id"],
    )
    async with running_intake(kafka, database, verifier.url, tmp_path) as second:

        async def is_held() -> bool:
            return await state_of(second, one["id"]) == "on_hold"

        await eventually(is_held)
        other = await submitted(second, identity=person)
        assert other["state"] == "on_hold"


async def test_a_hold_keeps_no_identifier_and_says_none(intake: Intake) -> None:
    value = "never-kept-in-a-hold"
    hold_id = await placed(intake, person=someone(value))
    for table in ("holds", "hold_hashes", "held_requests", "decisions"):
        rows = await intake.pool.fetch(f"select t::text as row from intake.{table} t")
        assert not [row for row in rows if value in row["row"]]
    one = (await listed(intake))[hold_id]
    assert (one["about"], one["request_id"]) == ("person", None)
    assert value not in str(one)
