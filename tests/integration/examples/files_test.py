"""Plain files know no transactions: what a crash leaves, and what is answered after it."""

import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dsr_core.rights import Disposition
from dsr_sdk.testing.notices import new_request_id

Start = Callable[[str], Awaitable[Any]]


@pytest.mark.parametrize("rewritten", [0, 1, 2])
async def test_a_crash_between_the_files_is_finished_with_the_first_count(
    start: Start, tmp_path: Path, rewritten: int
) -> None:
    running = await start("backup-index")
    folder = Path(running.environment["DSR_EXAMPLE_FOLDER"])
    before = tmp_path / "before"
    shutil.copytree(folder, before)
    asked = {new_request_id(): running.known()[0]}
    (first,) = (await running.ask(asked)).values()

    # The state of a process that was killed when so many tables were rewritten.
    for name in ["copies", "objects", "owners"][rewritten:]:
        shutil.copy(before / f"{name}.jsonl", folder)
    journal = folder / "erasures.jsonl"
    begun, _ended = journal.read_text().splitlines(keepends=True)
    journal.write_text(begun + '{"request_id": "cut sho')

    store = running.reopened()
    (again,) = (await running.ask(asked, store=store, may_be_repeat=True)).values()
    assert again.disposition is Disposition.ERASED
    assert again.records == first.records
    assert not await running.rows(running.known()[0])
    assert [json.loads(line) for line in journal.read_text().splitlines()][-1]["ended"]


async def test_a_person_who_came_back_is_not_erased_by_the_old_request(
    start: Start, tmp_path: Path
) -> None:
    running = await start("event-registrations")
    folder = Path(running.environment["DSR_EXAMPLE_FOLDER"])
    before = tmp_path / "before"
    shutil.copytree(folder, before)
    asked = {new_request_id(): running.known()[0]}
    (first,) = (await running.ask(asked)).values()
    for name in ("guests", "registrations"):
        shutil.copy(before / f"{name}.jsonl", folder)
    store = running.reopened()
    (again,) = (await running.ask(asked, store=store, may_be_repeat=True)).values()
    assert again.records == first.records
    assert await running.rows(running.known()[0])


async def test_nothing_of_a_person_is_left_in_any_file(start: Start) -> None:
    for system_id in ("ad-audiences", "event-registrations", "backup-index"):
        running = await start(system_id)
        person = running.known()[0]
        folder = Path(running.environment["DSR_EXAMPLE_FOLDER"])
        held = [kind for kind in running.schema.known_by if kind != "cookie_id"]
        values = [person.identifiers[kind][0].encode() for kind in held]
        assert any(value in content(folder) for value in values)
        await running.ask({new_request_id(): person})
        assert not any(value in content(folder) for value in values)


async def test_nothing_of_a_person_is_left_in_the_sqlite_file(start: Start) -> None:
    running = await start("newsletter")
    person = running.known()[0]
    folder = Path(running.environment["DSR_EXAMPLE_FOLDER"])
    assert person.email.encode() in content(folder)
    await running.ask({new_request_id(): person})
    assert person.email.encode() not in content(folder)


def content(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())
