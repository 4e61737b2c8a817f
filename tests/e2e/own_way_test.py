"""A request that somebody sets apart: out of its cohort, on its own way, and to its own end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from temporalio.client import Client as TemporalClient

from dsr_cli.connection import OPERATORS
from dsr_cli.demo.holdings import holdings
from dsr_cli.demo.people import submission
from dsr_cli.group.principals import key_of
from dsr_examples.catalogue import example
from dsr_examples.people import Person
from support.loop import Loop
from support.waiting import eventually

AWAY = "regional-accounts"


@pytest.fixture
async def away(loop: Loop) -> AsyncIterator[str]:
    """One system is away, so that requests stay open; it is back after the test in any case."""
    name = loop.system(AWAY)
    loop.stack.stop(name)
    yield name
    if not loop.stack.is_running(name):
        loop.stack.start(name)


async def call(loop: Loop, path: str, body: dict[str, object]) -> dict[str, object]:
    """Take an operator's decision."""
    token = key_of(loop.stack, OPERATORS[0])
    async with httpx.AsyncClient(base_url=loop.stack.settings.intake_url) as http:
        answer = await http.post(
            f"/internal/v1/{path}", json=body, headers={"Authorization": f"Bearer {token}"}
        )
    answer.raise_for_status()
    found: dict[str, object] = answer.json()
    return found


async def submit_cohort(loop: Loop, people: list[Person]) -> list[str]:
    """Submit people in one batch call, and return the requests' ids once all others have answered."""
    async with loop.client() as client:
        lines = [
            submission(one) | {"jurisdiction": "DE", "idempotency_key": f"own-way-{one.account_id}"}
            for one in people
        ]
        ids = [str(one["id"]) async for one in client.submit_batch(lines)]

    async def only_one_is_missing() -> bool:
        return all([await loop.missing(one) == {AWAY} for one in ids])

    await eventually(only_one_is_missing, what=f"only {AWAY} has not answered")
    return ids


def known_to_it(loop: Loop, count: int) -> list[Person]:
    """Return people whom the system that is away knows."""
    found: list[Person] = []
    while len(found) < count:
        person = loop.person()
        if example(AWAY).knows(person.number):
            found.append(person)
    return found


async def workflows(loop: Loop, *ids: str) -> dict[str, str]:
    """Return the status of each of these workflows that exists."""
    client = await TemporalClient.connect(loop.stack.temporal_address)
    wanted = ", ".join(f"'dsr-{one}'" for one in ids)
    query = f"WorkflowId in ({wanted})"
    return {one.id: one.status.name async for one in client.list_workflows(query) if one.status}


async def cohorts(loop: Loop, *request_ids: str) -> set[tuple[str, str]]:
    """Return under which cohort each service has requests: request and cohort, of both."""
    rows = await loop.query(
        """
        select id::text as request_id, cohort_id::text from intake.subject_requests
        where id::text = any($1)
        union select request_id::text, cohort_id::text from verifier.requests
        where request_id::text = any($1)
        """,
        list(request_ids),
    )
    return {(row["request_id"], row["cohort_id"]) for row in rows}


async def test_a_withdrawn_member_leaves_its_cohort_and_the_person_is_told_the_truth(
    loop: Loop, away: str
) -> None:
    people = known_to_it(loop, 3)
    ids = await submit_cohort(loop, people)
    home = dict(await cohorts(loop, *ids))[ids[0]]
    leaver, others = ids[1], [ids[0], ids[2]]
    before = await holdings(loop.stack, [people[1]])
    async with loop.client() as client:
        assert (await client.withdraw(leaver))["state"] == "stopping"

    async def has_left() -> bool:
        found = await cohorts(loop, *ids)
        return found == {(leaver, leaver), *((one, home) for one in others)}

    await eventually(has_left, what="both services have it under a cohort of its own")
    loop.stack.start(away)
    await loop.answered(*ids)

    assert (await loop.show(leaver))["outcome"] == "withdrawn"
    answers = {
        system_id: one["disposition"] for system_id, one in (await loop.obligations(leaver)).items()
    }
    assert answers[AWAY] == "stopped"
    assert set(answers.values()) <= {
        "stopped", "too_late", "erased", "absent", "not_found", "partially_exempt"
    }  # fmt: skip
    after = await holdings(loop.stack, [people[1]])
    assert after[AWAY].theirs == before[AWAY].theirs > 0
    for one in others:
        assert (await loop.show(one))["outcome"] in {"fulfilled", "partly_fulfilled"}
    left = await holdings(loop.stack, [people[0], people[2]])
    assert left[AWAY].theirs == 0

    async def ended() -> bool:
        found = await workflows(loop, home, *ids)
        return found == {f"dsr-{home}": "COMPLETED", f"dsr-{leaver}": "COMPLETED"}

    await eventually(ended, what="one workflow for the cohort and one for the leaver, both ended")
    assert [await loop.closures(one) for one in ids] == [1, 1, 1]


async def test_an_extended_member_goes_on_alone_and_is_fulfilled(loop: Loop, away: str) -> None:
    ids = await submit_cohort(loop, known_to_it(loop, 2))
    leaver, other = ids
    due = {one: (await loop.show(one))["due_at"] for one in ids}
    extended = await call(
        loop,
        f"subject-requests/{leaver}/extension",
        {"reason": "archives of four countries"},
    )
    assert str(extended["due_at"]) > due[leaver]
    assert (await loop.show(other))["due_at"] == due[other]

    async def ledger_knows() -> bool:
        rows = await loop.query(
            "select due_at from verifier.requests where request_id::text = $1", leaver
        )
        return rows[0]["due_at"].isoformat()[:19] == str(extended["due_at"])[:19]

    await eventually(ledger_knows, what="the ledger has the new date")
    loop.stack.start(away)
    await loop.answered(*ids)
    for one in ids:
        assert (await loop.show(one))["outcome"] in {"fulfilled", "partly_fulfilled"}
        assert AWAY in await loop.obligations(one)


async def test_nothing_is_erased_under_a_hold_and_all_is_when_it_is_lifted(
    loop: Loop, away: str
) -> None:
    [person] = known_to_it(loop, 1)
    request_id = await loop.submit(person)

    async def only_one_is_missing() -> bool:
        return await loop.missing(request_id) == {AWAY}

    await eventually(only_one_is_missing, what=f"only {AWAY} has not answered")
    held = await call(
        loop,
        "holds",
        {
            "authority": "a court",
            "reason": "preservation order",
            "request_id": request_id,
        },
    )
    assert (await loop.show(request_id))["state"] == "on_hold"

    async def ledger_knows() -> bool:
        rows = await loop.query(
            "select count(*) as n from verifier.amendments where request_id::text = $1", request_id
        )
        return bool(rows[0]["n"])

    await eventually(ledger_knows, what="the ledger has the hold")
    loop.stack.start(away)
    # Another person's request goes round after it, so the system had its chance.
    await loop.answered(await loop.submit(known_to_it(loop, 1)[0]))
    assert (await holdings(loop.stack, [person]))[AWAY].theirs > 0
    await call(loop, f"holds/{held['id']}/lift", {"reason": "the order is over"})
    await loop.answered(request_id)
    assert (await holdings(loop.stack, [person]))[AWAY].theirs == 0
