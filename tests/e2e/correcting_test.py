"""A correction, all the way round: sealed on its way, put right where it is held, told of in the end."""

from __future__ import annotations

import sqlite3

from dsr_cli.demo.people import submission
from dsr_cli.group.systems import system_environment
from dsr_core.rights import Disposition, Right
from dsr_examples.catalogue import example
from support.faults import SILENT, one_missing
from support.forging import acknowledge, an_answer
from support.loop import Loop
from support.operating import known_to

ASKED = {"event-registrations", "newsletter", "regional-accounts", "sales-contacts"}


def names(loop: Loop, table: str, system_id: str, email: str) -> set[str]:
    """Return the names under which a system holds an address."""
    folder = system_environment(loop.stack, example(system_id))["DSR_EXAMPLE_FOLDER"]
    with sqlite3.connect(f"file:{folder}/data.sqlite?mode=ro", uri=True) as connection:
        rows = connection.execute(f"select name from {table} where email = ?", [email])
        return {name for (name,) in rows}


async def test_a_wrong_name_is_put_right_in_every_system_that_holds_it(loop: Loop) -> None:
    [person] = known_to(loop, 1, *ASKED)
    right = f"{person.name} the Younger"
    wanted = [{"category": "user.name", "old": person.name, "new": right}]
    body = submission(person) | {"right": "correction", "corrections": wanted}
    async with loop.client() as client:
        accepted = await client.submit(body)
    await loop.answered(accepted["id"])
    answers = await loop.obligations(accepted["id"])
    assert {name: one["disposition"] for name, one in answers.items()} == dict.fromkeys(
        sorted(ASKED), "corrected"
    )
    assert names(loop, "subscribers", "newsletter", person.email) == {right}
    assert names(loop, "contacts", "sales-contacts", person.email) == {right}

    async with loop.client() as client:
        again = await client.submit(body)
    await loop.answered(again["id"])
    answers = await loop.obligations(again["id"])
    assert {one["disposition"] for one in answers.values()} == {"already_right"}


async def test_what_is_not_corrected_ends_in_part_with_its_ground(loop: Loop) -> None:
    [person] = known_to(loop, 1, *ASKED)
    wanted = [{"category": "user.demographic", "new": "another"}]
    body = submission(person) | {"right": "correction", "corrections": wanted, "statement": "No."}
    async with loop.client() as client:
        accepted = await client.submit(body)
    await loop.answered(accepted["id"])
    assert (await loop.show(accepted["id"]))["outcome"] == "partly_fulfilled"
    answers = await loop.obligations(accepted["id"])
    assert {name: one["disposition"] for name, one in answers.items()} == {
        "event-registrations": "refused",
        "sales-contacts": "refused",
    }
    assert "article 5" in answers["sales-contacts"]["reason"]


async def test_a_recipient_that_keeps_nothing_of_its_own_confirms_that_it_was_told(
    loop: Loop,
) -> None:
    """Whoever data was disclosed to is told of its correction (GDPR 19), and may have no more to do."""
    [person] = known_to(loop, 1, *ASKED)
    wanted = [{"category": "user.name", "new": f"{person.name} the Elder"}]
    async with one_missing(loop, person, right="correction", corrections=wanted) as request_id:
        told = an_answer(
            request_id, SILENT, Disposition.INFORMED, right=Right.CORRECTION, sequence=60
        )
        acknowledge(loop, told)
        await loop.answered(request_id)
    assert (await loop.obligations(request_id))[SILENT]["disposition"] == "informed"
    assert (await loop.show(request_id))["outcome"] == "fulfilled"
