"""A decision about one member sets it apart: one transaction, whatever happens at the same time."""

from __future__ import annotations

import asyncio
from datetime import datetime

import httpx
import pytest
from asyncpg import PostgresError
from integration.intake.closures_test import a_record, answered
from integration.intake.sealing_test import seal

from dsr_contracts.v1 import notices_pb2
from dsr_core.closing import Outcome
from dsr_core.registry import Registry
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.decisions import Stopped
from dsr_wire.topics import LIFECYCLE
from support.decisions import (
    BASE,
    a_cohort,
    commands,
    ended_cohorts,
    outcome_of,
    refuse,
    shown,
    standing,
    submitted,
    withdraw,
)
from support.intake import Intake, Topics
from support.submissions import a_submission


async def sealed(intake: Intake, cohort_id: str, registry: Registry, *ids: str) -> list[str]:
    answer = await seal(intake, cohort_id, registry.digest, [registry.systems[0].id], *ids)
    response = notices_pb2.SealResponse.FromString(answer.content)
    return [one.request_id for one in response.systems[0].identities]


async def test_a_member_leaves_its_cohort_and_the_command_carries_it_alone(
    intake: Intake, topics: Topics
) -> None:
    home, ids = await a_cohort(intake, 3)
    before = await shown(intake, ids[1])
    answer = await withdraw(intake, ids[1])
    assert answer.status_code == httpx.codes.OK, answer.text
    after = answer.json()
    assert (after["state"], after["cohort_id"]) == ("stopping", ids[1])
    assert after["due_at"] == before["due_at"]
    assert await standing(intake, home) == (3, 2)
    assert await standing(intake, ids[1]) == (1, 1)
    [command] = await commands(topics, home)
    assert (command.cohort_id, command.request_id, command.revision) == (home, ids[1], 1)
    assert command.decision == Stopped(Outcome.WITHDRAWN)
    assert command.alone is not None
    assert (command.alone.cohort_id, command.alone.request_ids) == (ids[1], (ids[1],))
    assert command.alone.due_at == datetime.fromisoformat(before["due_at"])
    assert command.alone.tiers
    [row] = await intake.pool.fetch(
        "select * from intake.decisions where request_id = $1 and kind = 'withdraw'", ids[1]
    )
    assert row["revision"] == 1
    assert await topics.find(LIFECYCLE.name, {ids[1]}, 1)


async def test_a_cohort_whose_last_members_leave_at_the_same_moment_is_over_once(
    intake: Intake, topics: Topics
) -> None:
    home, ids = await a_cohort(intake, 6)
    answers = await asyncio.gather(*(withdraw(intake, one) for one in ids))
    assert {one.status_code for one in answers} == {200}
    assert await standing(intake, home) == (6, 0)
    assert await ended_cohorts(topics, {home}, 1) == [home]
    told = await commands(topics, home, 6)
    assert {one.request_id for one in told} == set(ids)


async def test_of_decisions_at_the_same_moment_one_counts(intake: Intake, topics: Topics) -> None:
    home, ids = await a_cohort(intake, 2)
    answers = await asyncio.gather(
        withdraw(intake, ids[0]), *(refuse(intake, ids[0]) for _ in range(3))
    )
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    refused = next(one for one in answers if one.status_code == httpx.codes.CONFLICT)
    assert "open or awaiting_clarification or on_hold" in refused.json()["detail"]
    assert await standing(intake, home) == (2, 1)
    assert len(await commands(topics, home)) == 1


async def test_a_closing_and_decisions_at_the_same_moment_count_each_member_once(
    intake: Intake, publisher: Publisher
) -> None:
    home, ids = await a_cohort(intake, 8)
    await asyncio.gather(
        publisher.publish([a_record(home, *ids)]), *(withdraw(intake, one) for one in ids)
    )
    for one in ids:
        assert outcome_of(await answered(intake, one)) == ("answered", "fulfilled")
    assert (await standing(intake, home))[1] == 0
    rows = await intake.pool.fetch(
        "select open_members from intake.cohorts where id = any($1::uuid[])", ids
    )
    assert {row["open_members"] for row in rows} <= {0}


async def test_what_fails_in_the_middle_leaves_everything_as_it_was(
    intake: Intake, topics: Topics
) -> None:
    home, ids = await a_cohort(intake, 2)
    await intake.pool.execute(
        """
        create function intake.fail() returns trigger language plpgsql as
        $$ begin raise exception 'a fault of the tests'; end $$;
        create trigger fails before insert on intake.outbox
        for each row execute function intake.fail()
        """
    )
    try:
        answer = await withdraw(intake, ids[0])
        assert answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
    finally:
        await intake.pool.execute("drop function intake.fail() cascade")
    assert await standing(intake, home) == (2, 2)
    found = await shown(intake, ids[0])
    assert (found["state"], found["cohort_id"]) == ("open", home)
    assert (await withdraw(intake, ids[0])).status_code == httpx.codes.OK
    [command] = await commands(topics, home)
    assert command.revision == 1


async def test_home_seals_for_a_leaver_and_leaves_out_who_stops(
    intake: Intake, registry: Registry
) -> None:
    home, ids = await a_cohort(intake, 3)
    assert sorted(await sealed(intake, home, registry)) == sorted(ids)
    await withdraw(intake, ids[0])
    assert sorted(await sealed(intake, home, registry)) == sorted(ids[1:])
    assert await sealed(intake, home, registry, ids[0]) == []
    assert await sealed(intake, ids[0], registry) == []


async def test_a_decision_is_never_changed(intake: Intake) -> None:
    one = await submitted(intake)
    await withdraw(intake, one["id"])
    for statement in ("update intake.decisions set reason = ''", "delete from intake.decisions"):
        with pytest.raises(PostgresError, match="append-only"):
            await intake.pool.execute(statement)


async def test_the_same_key_gives_the_answer_of_the_first_call_after_a_decision(
    intake: Intake,
) -> None:
    body, headers = a_submission(), {"idempotency-key": "is-withdrawn"}
    first = (await intake.http.post(BASE, json=body, headers=headers)).json()
    await withdraw(intake, first["id"])
    assert (await intake.http.post(BASE, json=body, headers=headers)).json() == first
