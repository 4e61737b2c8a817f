"""A system that verifies its erasures, on the whole loop: before a request closes, and long after."""

from __future__ import annotations

import asyncpg
import httpx

from dsr_cli.demo.people import submission
from dsr_cli.group.systems import database_of
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.rights import Disposition
from dsr_examples.catalogue import example
from dsr_examples.people import Person
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from support.command import dsr
from support.loop import Loop
from support.waiting import eventually

VERIFIES = "payment-methods"


async def answers(loop: Loop, request_id: str) -> list[Acknowledgement]:
    """Return what the system has answered, in its order, as it was signed."""
    rows = await loop.query(
        "select leaf from verifier.acknowledgements"
        " where request_id = $1 and system_id = $2 order by sequence",
        request_id,
        VERIFIES,
    )
    return [acknowledgement_from_bytes(row["leaf"]) for row in rows]


def known(loop: Loop) -> Person:
    """Return somebody whom the system knows."""
    person = loop.person()
    while not example(VERIFIES).knows(person.number):
        person = loop.person()
    return person


async def erased(loop: Loop, person: Person) -> str:
    """Have somebody erased; return the request."""
    async with loop.client() as client:
        request_id = str((await client.submit(submission(person)))["id"])
    await loop.answered(request_id)
    return request_id


async def asked_again(loop: Loop, request_id: str) -> str:
    """Let the months pass until the system is asked again; return the request that follows."""
    await loop.query(
        "update intake.deferred_notices set review_at = now(), next_try_at = now()"
        " where request_id = $1 and why = 'verification'",
        request_id,
    )

    async def follower() -> str | None:
        async with loop.client() as client:
            found = (await client.follow_ups(request_id))["follow_ups"]
        [one] = [one for one in found if one["why"] == "verification"] or [None]
        return one and str(one["id"])

    return await eventually(follower, within=60)


async def looks_counted(loop: Loop, found: str) -> float:
    """Return how often the system was heard to have found that, by the verifier's metrics."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{loop.stack.settings.verifier_url}/metrics")).text
    counted = [
        line.split()[-1]
        for line in text.splitlines()
        if line.startswith("dsr_verifier_system_answers_total{")
        and f'disposition="{found}"' in line
        and f'system_id="{VERIFIES}"' in line
    ]
    return float(counted[0]) if counted else 0.0


async def come_back(loop: Loop, person: Person) -> None:
    """Put somebody's data into the system again, as a restored backup would."""
    connection = await asyncpg.connect(loop.stack.postgres_dsn(database_of(VERIFIES)))
    try:
        await connection.execute(
            "insert into payers select max(id) + 1, $1 from payers", person.customer_number
        )
    finally:
        await connection.close()


async def test_what_was_erased_is_looked_at_again_before_the_request_closes(loop: Loop) -> None:
    request_id = await erased(loop, known(loop))
    *_, first, absent = await answers(loop, request_id)
    assert (first.disposition, absent.disposition) == (Disposition.ERASED, Disposition.ABSENT)
    assert absent.sequence == first.sequence + 1
    assert absent.records == first.records > 0
    [closure] = await loop.query(
        "select closed_at from verifier.closures where request_id = $1", request_id
    )
    assert closure["closed_at"] >= absent.answered_at


async def test_asked_again_long_after_the_system_looks_and_the_request_closes_at_absent(
    loop: Loop,
) -> None:
    request_id = await erased(loop, known(loop))
    follower = await asked_again(loop, request_id)
    await loop.answered(follower)
    [answer] = await answers(loop, follower)
    assert (answer.disposition, answer.sequence) == (Disposition.ABSENT, 1)
    assert await loop.closures(follower) == 1
    assert set(await loop.obligations(follower)) == {VERIFIES}
    letters = "select count(*) as n from intake.letters where request_id::text = $1"
    assert (await loop.query(letters, follower))[0]["n"] == 0


async def test_what_is_back_is_erased_looked_at_once_more_and_held_against_the_system(
    loop: Loop,
) -> None:
    person = known(loop)
    request_id = await erased(loop, person)
    await come_back(loop, person)
    before = await looks_counted(loop, "present")
    follower = await asked_again(loop, request_id)
    await loop.answered(follower, within=120)
    said = [one.disposition for one in await answers(loop, follower)]
    assert said[0] is Disposition.PRESENT
    assert said[-2:] == [Disposition.ERASED, Disposition.ABSENT]
    assert await looks_counted(loop, "present") > before
    assert await loop.closures(request_id) == 1, "the closure that it follows stands"
    explained = await dsr(loop.stack.settings, "explain", request_id)
    assert "1 records were back" in " ".join(explained.out.split())
    shown = await dsr(loop.stack.settings, "show", request_id, "--json")
    [look, *_] = shown.json["follow_ups"][-1]["looks"]
    assert (look["system_id"], look["is_back"], look["records"]) == (VERIFIES, True, 1)
