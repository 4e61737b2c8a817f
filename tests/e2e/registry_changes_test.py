"""The registry changes while requests are open: every one of them closes truthfully, and none twice.

A system joins, one is retired with a successor in another organisation, one without, and an organisation
was sold between two requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dsr_cli.demo.people import submission
from dsr_examples.catalogue import example
from dsr_examples.people import Person
from support.command import Said, dsr
from support.loop import Loop
from support.parts import ROOT
from support.registries import files, publish
from support.waiting import eventually

JOINS = "console-activity"
RETIRED, SUCCESSOR = "community-forum", "support-desk"
ABANDONED = "event-registrations"
SOLD, SELLER = "regional-accounts", "cloud-asia-pacific"
AWAY = (RETIRED, ABANDONED, SOLD)

DAY = timedelta(days=1)
TODAY = datetime.now(UTC)
SOLD_ON = (TODAY - 2 * DAY).date()


def without_one(folder: Path) -> Path:
    """The registry before a system joined."""
    return files(folder, ucloud_us=(rf"  - id: {JOINS}\n.*?(?=  - id: |\Z)", ""))


def with_changes(folder: Path) -> Path:
    """The registry after all that happened."""
    on = TODAY.date()
    path = files(
        folder,
        cloud_uk=(
            rf"(  - id: {RETIRED}\n)",
            rf"\1    retired: {on}\n    successor: {SUCCESSOR}\n",
        ),
        cloud_asia_pacific=(
            r"(  contact: [^\n]*\n)(?=  parent|\nsystems)",
            rf"\1  sold:\n    on: {SOLD_ON}\n    to: Example Holding\n",
        ),
    )
    uk = path / "cloud-uk.yaml"
    uk.write_text(
        uk.read_text().replace(
            f"  - id: {ABANDONED}\n", f"  - id: {ABANDONED}\n    retired: {on}\n"
        )
    )
    return path


@pytest.fixture
async def first(loop: Loop, tmp_path: Path) -> AsyncIterator[Path]:
    """The registry before the changes is published; after the test the group's own is again."""
    folder = without_one(tmp_path / "first")
    await publish(loop, folder)
    try:
        yield folder
    finally:
        for one in AWAY:
            if not loop.stack.is_running(loop.system(one)):
                loop.stack.start(loop.system(one))
        await publish(loop, ROOT / "registry")


def known_to(loop: Loop, *system_ids: str) -> Person:
    """Return a person whom these systems know."""
    while True:
        person = loop.person()
        if all(example(one).knows(person.number) for one in system_ids):
            return person


async def submitted(loop: Loop, *people: Person, received_at: datetime | None = None) -> list[str]:
    """Submit people in one batch call."""
    when = {"received_at": received_at.isoformat()} if received_at else {}
    lines = [
        submission(one)
        | when
        | {"jurisdiction": "DE", "idempotency_key": f"registry-{one.account_id}"}
        for one in people
    ]
    async with loop.client() as client:
        return [str(one["id"]) async for one in client.submit_batch(lines)]


async def only_missing(loop: Loop, ids: list[str], *system_ids: str) -> None:
    """Wait until these systems alone have not confirmed."""

    async def are() -> bool:
        return all([await loop.missing(one) == set(system_ids) for one in ids])

    await eventually(are, within=60, what=f"only {', '.join(system_ids)} are missing")


async def settled(loop: Loop, request_id: str, system_id: str) -> None:
    """Have two people answer in place of a system, through the command line."""

    async def call(*arguments: str) -> Said:
        said = await dsr(loop.stack.settings, "request", "settle", *arguments)
        assert said.code == 0, said.err
        return said

    what = (
        "--system",
        system_id,
        "--disposition",
        "erased",
        "--reason",
        "its disks were destroyed",
    )
    made = await call("propose", request_id, *what, "--yes", "--json")
    await call("approve", request_id, made.json["id"], "--as", "operator-2", "--apply")


async def explained(loop: Loop, request_id: str) -> dict[str, dict[str, Any]]:
    """Return the blockers of a request, by the system."""
    document = (await dsr(loop.stack.settings, "explain", request_id, "--json")).json
    return {one["system_id"]: one for one in document["blockers"]}


async def answers(loop: Loop, request_id: str) -> dict[str, list[str]]:
    """Return what each system has answered to a request, in order, as the ledger keeps it."""
    rows = await loop.query(
        "select system_id, sequence from verifier.acknowledgements where request_id::text = $1"
        " order by sequence",
        request_id,
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["system_id"], []).append(str(row["sequence"]))
    return found


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("first")
async def test_every_request_that_is_open_closes_truthfully_and_once(
    loop: Loop, tmp_path: Path
) -> None:
    for one in AWAY:
        loop.stack.stop(loop.system(one))
    person = known_to(loop, RETIRED, SUCCESSOR, SOLD, JOINS)
    ids = await submitted(loop, person, loop.person(), received_at=TODAY - 5 * DAY)
    ids += await submitted(loop, loop.person(), received_at=TODAY - 4 * DAY)
    await only_missing(loop, ids, *AWAY)
    assert JOINS not in await loop.obligations(ids[0])

    newer = with_changes(tmp_path / "newer")
    diff = await dsr(loop.stack.settings, "registry", "diff", str(newer), "--json")
    assert {one["id"]: one["kind"] for one in diff.json["changes"]} == {
        JOINS: "joins",
        RETIRED: "succeeded",
        ABANDONED: "retired",
        SELLER: "sold",
    }
    await publish(loop, newer)
    await only_missing(loop, ids, ABANDONED, SOLD)
    for one in ids:
        owed = await loop.obligations(one)
        assert RETIRED not in owed
        assert owed[JOINS]["is_confirmed"]
        [taken_over] = owed[SUCCESSOR]["answers_for"]
        assert (taken_over["system_id"], taken_over["disposition"]) == (RETIRED, None)
        assert owed[SUCCESSOR]["answered_at"] > taken_over["since"]
        assert len((await answers(loop, one))[SUCCESSOR]) == 2

    blockers = await explained(loop, ids[0])
    waiting = {one for one, why in blockers.items() if why["kind"] == "system_waits_its_turn"}
    assert blockers.keys() - waiting == {ABANDONED, SOLD}
    assert "accounts" in waiting
    assert blockers[ABANDONED]["owner"] == "Compliance team, United Kingdom"
    assert "two people can answer for it" in blockers[ABANDONED]["what"]
    assert blockers[SOLD]["owner"] == "Privacy office"
    assert f"{SELLER} has left the group on {SOLD_ON}" in blockers[SOLD]["what"]

    refused = await dsr(
        loop.stack.settings, "request", "settle", "propose", ids[0],
        "--system", RETIRED, "--disposition", "erased", "--reason", "gone", "--yes",
    )  # fmt: skip
    assert f"{SUCCESSOR} answers for it" in refused.err
    await asyncio.gather(*(settled(loop, one, ABANDONED) for one in ids))
    await only_missing(loop, ids, SOLD)

    [later] = await submitted(loop, loop.person())
    await loop.answered(later)
    assert set(await loop.obligations(later)).isdisjoint(AWAY)

    loop.stack.start(loop.system(SOLD))
    await loop.answered(*ids)
    for one in ids:
        owed = await loop.obligations(one)
        assert (await loop.show(one))["outcome"] in {"fulfilled", "partly_fulfilled"}
        by = owed[ABANDONED]["settled_by"]
        assert by["approved_by"] != by["proposed_by"]
        assert owed[SOLD]["settled_by"] is None

    loop.stack.start(loop.system(RETIRED))

    async def has_answered_late() -> bool:
        return all([RETIRED in await answers(loop, one) for one in ids])

    await eventually(has_answered_late, within=60, what="the retired system has answered")
    for one in (*ids, later):
        assert await loop.closures(one) == 1
    refused_records = [
        f"{one.id}: {one.said('detail')}"
        for one in loop.dead_letters()
        if one.key.decode(errors="replace") in {*ids, later}
    ]
    assert refused_records == []
