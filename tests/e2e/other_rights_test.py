"""Restriction, objection and portability, each all the way round."""

from __future__ import annotations

import json
from pathlib import Path

from dsr_cli.demo.package import fetch_package
from dsr_cli.demo.people import submission
from support.command import dsr
from support.exports import unzipped
from support.loop import Loop
from support.operating import known_to, mailed


async def test_a_restriction_is_kept_and_the_person_is_told_what_comes_before_it_is_lifted(
    loop: Loop,
) -> None:
    [person] = known_to(loop, 1, "newsletter", "sales-contacts")
    async with loop.client() as client:
        accepted = await client.submit(
            submission(person) | {"right": "restriction", "language": "en"}
        )
    await loop.answered(accepted["id"])
    answers = await loop.obligations(accepted["id"])
    assert {name: one["disposition"] for name, one in answers.items()} == {
        "newsletter": "restricted",
        "sales-contacts": "restricted",
    }
    assert (await loop.show(accepted["id"]))["outcome"] == "fulfilled"
    letter = dict(mailed(loop, accepted["id"]))["done"].get_body(("plain",))
    assert letter is not None
    assert "Before the restriction is lifted" in letter.get_content()


async def test_an_objection_ends_marketing_though_one_system_has_grounds_to_go_on(
    loop: Loop,
) -> None:
    [person] = known_to(loop, 1, "billing", "newsletter")
    async with loop.client() as client:
        accepted = await client.submit(submission(person) | {"right": "objection"})
    await loop.answered(accepted["id"])
    answers = await loop.obligations(accepted["id"])
    assert {name: one["disposition"] for name, one in answers.items()} == {
        "billing": "refused",
        "newsletter": "heeded",
    }
    assert (await loop.show(accepted["id"]))["outcome"] == "partly_fulfilled"
    told = await dsr(loop.stack.settings, "suppression", "check", f"email={person.email}", "--json")
    [row] = told.json
    assert {one["kind"] for one in row} == {"marketing"}


async def test_what_a_person_provided_is_handed_over_to_be_taken_along(
    loop: Loop, tmp_path: Path
) -> None:
    [person] = known_to(loop, 1, "newsletter")
    async with loop.client() as client:
        accepted = await client.submit(
            submission(person) | {"right": "portability", "jurisdiction": "DE"}
        )
    await loop.answered(accepted["id"])
    fetched = fetch_package(loop.stack.settings, accepted["id"], tmp_path / "package.zip")
    package = unzipped(fetched.read_bytes())
    told = json.loads(package["manifest.json"])
    assert (told["request"]["right"], told["legal"]["citation"]) == ("portability", "GDPR art. 20")
    [system] = told["systems"]
    files = {one["path"].rpartition("/")[2] for one in system["files"]}
    # Whoever never opened a letter has no rows of that; what was sent was not provided by them.
    assert {"subscribers.jsonl"} <= files <= {"openings.jsonl", "subscribers.jsonl"}
    assert person.email.encode() in package[next(p for p in package if "subscribers" in p)]
