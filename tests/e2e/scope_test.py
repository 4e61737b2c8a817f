"""A part of the data, all the way round: what came since a day, and one use of it alone."""

from __future__ import annotations

import json
from pathlib import Path

from dsr_cli.demo.package import fetch_package
from dsr_cli.demo.people import submission
from support.command import dsr
from support.exports import unzipped
from support.loop import Loop
from support.operating import known_to

AFTER_ALL_OF_IT = "2026-01-01"
"""The example group's data is of the years before."""


async def test_what_is_older_is_not_handed_over(loop: Loop, tmp_path: Path) -> None:
    [person] = known_to(loop, 1, "newsletter")
    scope = {"organisation_ids": ["mail-delivery-provider"], "since": AFTER_ALL_OF_IT}
    async with loop.client() as client:
        accepted = await client.submit(submission(person) | {"right": "access", "scope": scope})
    await loop.answered(accepted["id"])
    assert (await loop.show(accepted["id"]))["scope"]["since"] == AFTER_ALL_OF_IT
    fetched = fetch_package(loop.stack.settings, accepted["id"], tmp_path / "package.zip")
    [system] = json.loads(unzipped(fetched.read_bytes())["manifest.json"])["systems"]
    # Who the person is has no date; what they were sent and have opened has one.
    assert [one["path"].rpartition("/")[2] for one in system["files"]] == ["subscribers.jsonl"]


async def test_whoever_is_not_to_be_sold_is_still_written_to(loop: Loop) -> None:
    [person] = known_to(loop, 1, "newsletter")
    settings, address = loop.stack.settings, f"email={person.email}"
    told = await dsr(
        settings, "submit", address, "--right", "opt_out", "--only", "sale_or_sharing", "--json"
    )
    await loop.answered(told.json["id"])
    answer = (await loop.obligations(told.json["id"]))["newsletter"]
    # Nothing was to end there, since the newsletter sells nothing.
    assert (answer["disposition"], answer["records"]) == ("heeded", 0)
    [row] = (await dsr(settings, "suppression", "check", address, "--json")).json
    assert {one["kind"] for one in row} == {"sale_or_sharing"}
