"""One system finds out whose account an address belongs to, and others are reached by it."""

from __future__ import annotations

from typing import Any

import asyncpg

from dsr_cli.demo.people import submission
from dsr_cli.group.systems import database_of
from dsr_examples.catalogue import example
from dsr_examples.people import Person
from support.command import dsr
from support.loop import Loop
from support.waiting import eventually

RESOLVER, BLIND = "accounts", "identity-checks"


def known(loop: Loop) -> Person:
    """Return somebody whom both systems know."""
    person = loop.person()
    while not (example(BLIND).knows(person.number) and example(RESOLVER).knows(person.number)):
        person = loop.person()
    return person


async def asked(loop: Loop, person: Person) -> str:
    """Ask to erase somebody who does not say which account is theirs."""
    body = submission(person)
    body["identity"] = [one for one in body["identity"] if one["kind"] != "account_id"]
    async with loop.client() as client:
        return str((await client.submit(body))["id"])


async def share_an_address(loop: Loop, person: Person, other: Person) -> None:
    """Have another account go by the same address."""
    connection = await asyncpg.connect(loop.stack.postgres_dsn(database_of(RESOLVER)))
    try:
        await connection.execute(
            "insert into accounts select max(id) + 1, $1, $2, 'another', 'Another' from accounts",
            other.account_id,
            person.email,
        )
    finally:
        await connection.close()


async def ruled(loop: Loop, *words: str, by: str) -> Any:
    settings = loop.stack.settings
    return await dsr(settings, "links", *words, "--as", by)


async def test_a_system_that_knows_people_by_accounts_alone_is_reached_through_another(
    loop: Loop,
) -> None:
    person = known(loop)
    request_id = await asked(loop, person)
    await loop.answered(request_id)
    owed = (await loop.obligations(request_id))[BLIND]
    assert (owed["disposition"], owed["is_confirmed"]) == ("erased", True)
    assert owed["records"] > 0
    [step] = await loop.query("select * from intake.link_steps where request_id = $1", request_id)
    assert (step["system_id"], step["kind"], step["outcome"]) == (RESOLVER, "account_id", "used")
    assert person.account_id not in str(dict(step))


async def test_two_accounts_of_one_address_wait_for_two_people_and_dsr_says_so(
    loop: Loop,
) -> None:
    person, other = known(loop), known(loop)
    await share_an_address(loop, person, other)
    request_id = await asked(loop, person)

    async def conflict() -> Any:
        found = (await ruled(loop, "list", "--json", by="operator-1")).json
        return [one for one in found if one["request_id"] == request_id] or None

    links = await eventually(conflict, within=60)
    assert {one["reason"] for one in links} == {"two_values"}
    assert person.account_id not in str(links)

    async def is_explained() -> bool:
        said = await dsr(loop.stack.settings, "explain", request_id, "--json")
        return "links_undecided" in {one["kind"] for one in said.json["blockers"]}

    await eventually(is_explained, within=60)
    # People cannot see the values; they ask the system's team. Here the first is refused at once.
    why = ("--reason", "the team has asked the person", "--yes")
    first, second = (one["id"] for one in links)
    await ruled(loop, "refuse", request_id, first, *why, by="operator-1")
    await loop.answered(request_id)
    steps = await loop.query(
        "select distinct on (link_id) link_id, outcome from intake.link_steps"
        " where request_id = $1 order by link_id, id desc",
        request_id,
    )
    assert {row["link_id"]: row["outcome"] for row in steps} == {first: "refused", second: "used"}
