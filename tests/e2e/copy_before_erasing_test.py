"""Who asks for a copy and then for erasure gets the copy first: nothing is erased before it is handed over."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from dsr_cli.demo.holdings import holdings
from dsr_cli.demo.package import fetch_package
from dsr_cli.demo.people import submission
from dsr_core.closing import FOLLOWED
from support.command import dsr
from support.exports import unzipped
from support.loop import Loop
from support.operating import known_to, only_missing
from support.waiting import eventually

SLOW = "newsletter"


async def waits(loop: Loop, deletion: str) -> bool:
    said = await dsr(loop.stack.settings, "explain", deletion, "--json")
    blockers = (one["what"] for one in said.json["blockers"])
    return any("waits until the person has a copy" in one for one in blockers)


async def test_a_deletion_waits_for_the_copy_and_erases_all_of_it_afterwards(
    loop: Loop, tmp_path: Path
) -> None:
    [person] = known_to(loop, 1, SLOW, "accounts", "billing")
    held = await holdings(loop.stack, [person])
    name = loop.system(SLOW)
    loop.stack.stop(name)
    try:
        async with loop.client() as client:
            access = str((await client.submit(submission(person) | {"right": "access"}))["id"])
        await only_missing(loop, access, system_id=SLOW)
        deletion = await loop.submit(person)

        await eventually(partial(waits, loop, deletion), within=60)
        assert not any(one["disposition"] for one in (await loop.obligations(deletion)).values())
        now = await holdings(loop.stack, [person])
        assert {one: now[one].theirs for one in now} == {one: held[one].theirs for one in held}
    finally:
        loop.stack.start(name)
    await loop.answered(access, deletion)

    path = fetch_package(loop.stack.settings, access, tmp_path / "package.zip")
    handed = {
        one["id"]: sum(file["records"] or 0 for file in one["files"])
        for one in json.loads(unzipped(path.read_bytes())["manifest.json"])["systems"]
    }
    assert handed == {one: held[one].theirs for one in handed}
    assert handed[SLOW] > 0
    [row] = await loop.query(
        "select (select closed_at from verifier.requests where request_id = $1::uuid) as closed_at,"
        " (select settled_at from verifier.copies_settled where request_id = $1::uuid) as settled_at,"
        " (select confirmed_at from verifier.phases where cohort_id = $2::uuid and phase = 0)"
        " as confirmed_at,"
        " (select told_at from verifier.phases where cohort_id = $2::uuid and phase = 1) as told_at",
        access,
        deletion,
    )
    assert row["closed_at"] <= row["settled_at"] <= row["confirmed_at"] <= row["told_at"]
    after = await holdings(loop.stack, [person])
    assert {one: after[one].theirs for one in after if one != "billing"} == dict.fromkeys(
        set(after) - {"billing"}, 0
    )


async def test_a_deletion_goes_on_once_what_nobody_has_proven_is_withdrawn(loop: Loop) -> None:
    [person] = known_to(loop, 1, SLOW, "accounts")
    async with loop.client() as client:
        unproven = submission(person) | {"right": "access", "identity_attested": False}
        access = str((await client.submit(unproven))["id"])
        deletion = await loop.submit(person)
        await eventually(partial(waits, loop, deletion), within=60)
        await client.withdraw(access)
    await loop.answered(access, deletion)
    assert (await loop.show(deletion))["outcome"] in FOLLOWED
