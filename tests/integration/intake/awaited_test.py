"""Erasing waits for what hands the same person's data over, as intake finds it when it accepts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from integration.intake.duplicates_test import batch

from dsr_contracts.v1 import requests_pb2
from dsr_core.rights import RIGHTS
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.codec.requests import AcceptedCohort, cohort_accepted_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import REQUESTS
from support.decisions import submitted, withdraw
from support.intake import Intake, Topics, VerifierDouble, running_intake
from support.submissions import a_submission

people = itertools.count(7000)
ROUNDS = 25
"""Of a race: in one alone the two may pass each other by."""


@pytest.fixture(scope="module")
async def replica(
    intake: Intake, kafka: KafkaConnection, database: str, verifier: VerifierDouble, keys: Path
) -> AsyncIterator[Intake]:
    """Another process on the same database, with the same keys."""
    del intake
    async with running_intake(kafka, database, verifier.url, keys) as running:
        yield running


async def told(topics: Topics, cohort_id: str) -> AcceptedCohort:
    """Return what fanout is told of a cohort of one."""
    [record] = await topics.find(REQUESTS.name, {cohort_id}, 1)
    return cohort_accepted_from_wire(
        decode(record.value, record.headers, requests_pb2.CohortAccepted)
    )


async def after(intake: Intake, topics: Topics, **changes: Any) -> tuple[str, ...]:
    """Submit a deletion, and return what it waits for."""
    accepted = await submitted(intake, **changes)
    return (await told(topics, accepted["cohort_id"])).after


async def test_a_deletion_waits_for_the_open_access_requests_of_the_same_person(
    intake: Intake, topics: Topics
) -> None:
    number = next(people)
    first = await submitted(intake, number=number, right="access")
    other = await submitted(
        intake, number=number, right="access", scope={"categories": ["user.contact"]}
    )
    await submitted(intake, number=next(people), right="access")
    assert await after(intake, topics, number=number) == (first["id"], other["id"])


async def test_who_names_fewer_identifiers_is_the_same_person(
    intake: Intake, topics: Topics
) -> None:
    number = next(people)
    by_email = [{"kind": "email", "value": f"person-{number}@example.com"}]
    both = [*by_email, {"kind": "customer_number", "value": f"c-{number}"}]
    shared = [*by_email, {"kind": "customer_number", "value": f"another-{number}"}]
    access = await submitted(intake, right="access", identity=by_email)
    assert await after(intake, topics, identity=both) == (access["id"],)
    wider = await submitted(intake, right="access", identity=both)
    assert await after(intake, topics, identity=by_email) == (access["id"], wider["id"])
    assert await after(intake, topics, identity=shared) == (access["id"],)


async def test_nothing_but_erasing_waits(intake: Intake, topics: Topics) -> None:
    number = next(people)
    await submitted(intake, number=number, right="access")
    another = {"categories": ["user.contact"]}
    assert await after(intake, topics, number=number, right="access", scope=another) == ()


async def test_what_has_ended_is_not_waited_for(intake: Intake, topics: Topics) -> None:
    number = next(people)
    access = await submitted(intake, number=number, right="access", identity_attested=False)
    await withdraw(intake, access["id"])
    assert await after(intake, topics, number=number) == ()


async def test_who_has_proven_nothing_delays_nobody_but_their_own_client(
    intake: Intake, topics: Topics
) -> None:
    number = next(people)
    unproven = await submitted(intake, number=number, right="access", identity_attested=False)
    assert await after(intake, topics, number=number) == (unproven["id"],)
    mine = intake.http.headers["authorization"]
    intake.http.headers["authorization"] = (await intake.client())["authorization"]
    try:
        assert await after(intake, topics, number=number) == ()
        proven = await submitted(intake, number=number, right="access")
    finally:
        intake.http.headers["authorization"] = mine
    found = await after(intake, topics, number=number)
    assert found == (unproven["id"], proven["id"])


async def test_a_member_that_waits_leaves_the_others_of_its_batch(
    intake: Intake, topics: Topics
) -> None:
    numbers = [next(people) for _ in range(3)]
    access = await submitted(intake, number=numbers[0], right="access")
    waits, *others = await batch(intake, *(a_submission(one) for one in numbers))
    assert waits["cohort_id"] == waits["id"]
    assert (await told(topics, waits["cohort_id"])).after == (access["id"],)
    [together] = {one["cohort_id"] for one in others}
    assert (await told(topics, together)).after == ()


@pytest.mark.parametrize("first", ["access", "deletion"])
async def test_what_comes_in_the_same_call_is_waited_for_in_whichever_order(
    intake: Intake, topics: Topics, first: str
) -> None:
    number = next(people)
    second = "deletion" if first == "access" else "access"
    answers = await batch(
        intake,
        a_submission(number, right=first),
        a_submission(next(people), right="access"),
        a_submission(number, right=second),
    )
    access, deletion = answers[0], answers[2]
    if first == "deletion":
        access, deletion = deletion, access
    assert (await told(topics, deletion["cohort_id"])).after == (access["id"],)
    assert deletion["cohort_id"] == deletion["id"]


async def test_of_two_that_two_replicas_accept_at_the_same_moment_the_second_sees_the_first(
    intake: Intake, replica: Intake, topics: Topics
) -> None:
    """Whichever is written first: the access is waited for where that was it."""
    for _ in range(ROUNDS):
        number = next(people)
        access, deletion = await asyncio.gather(
            submitted(intake, number=number, right="access"), submitted(replica, number=number)
        )
        waits = (await told(topics, deletion["cohort_id"])).after
        first, _ = await intake.pool.fetch(
            """
            select id::text from intake.subject_requests where id = any($1::uuid[])
            order by xmin::text::bigint
            """,
            [access["id"], deletion["id"]],
        )
        assert waits == ((access["id"],) if first["id"] == access["id"] else ())


@pytest.mark.parametrize("index", ["handing_over", "being_packed"])
async def test_the_indices_know_every_right_that_hands_data_over(
    intake: Intake, index: str
) -> None:
    definition = await intake.pool.fetchval(
        "select pg_get_indexdef($1::text::regclass)", f"intake.subject_requests_{index}"
    )
    rights = {right for right, terms in RIGHTS.items() if terms.hands_over}
    assert all(f"'{right}'" in definition for right in rights)
