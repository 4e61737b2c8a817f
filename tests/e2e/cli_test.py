"""The command `dsr` from the outside: what it shows of a running loop, and one line for each fault."""

from __future__ import annotations

import asyncio
import json
import socket
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from dsr_cli.demo.people import submission
from dsr_cli.stack import StackSettings
from support.command import Said, dsr
from support.loop import Loop
from support.parts import data_folder, free_port_base, stack_settings
from support.waiting import eventually

SILENT = "newsletter"
YES = ("--reason", "a test", "--yes")
BASE = "/v1/subject-requests"


async def _submit(loop: Loop, *options: str, variables: Mapping[str, str] | None = None) -> str:
    person = loop.person()
    said = await dsr(
        loop.stack.settings,
        "submit",
        *(f"{kind}={one}" for kind, values in person.identifiers.items() for one in values),
        "--attested",
        "--json",
        *options,
        variables=variables,
    )
    accepted = said.json
    assert accepted["state"] == "open"
    assert person.email not in said.out
    return str(accepted["id"])


async def test_show_names_who_is_missing_and_then_the_closure(loop: Loop) -> None:
    settings = loop.stack.settings
    loop.stack.stop(loop.system(SILENT))
    try:
        request_id = await _submit(loop, "--jurisdiction", "US-CA")

        async def only_one_missing() -> bool:
            return await loop.missing(request_id) == {SILENT}

        await eventually(only_one_missing, within=60)
        shown = await dsr(settings, "show", request_id)
        assert shown.code == 0, shown.err
        assert SILENT in shown.out
        assert "no answer yet" in shown.out
        found = (await dsr(settings, "show", request_id, "--json")).json
        assert found["closure"] is None
        missing = [
            one["system_id"]
            for one in found["obligations"]["obligations"]
            if not one["is_confirmed"]
        ]
        assert set(missing) - {SILENT} <= {"accounts"}, "which waits for its copies"
    finally:
        loop.stack.start(loop.system(SILENT))

    watched = await dsr(settings, "watch", request_id, "--json")
    events = [json.loads(line) for line in watched.out.splitlines()]
    assert watched.code == 0, watched.err
    assert events[-1]["state"] == "answered"
    assert {one["system_id"] for one in events if one.get("system_id")} >= {SILENT}
    shown = await dsr(settings, "show", request_id)
    assert "all 15 systems have confirmed" in shown.out
    assert "evidence" in shown.out
    board = await dsr(settings, "watch", request_id)
    assert board.code == 0, board.err
    assert "fulfilled" in board.out


async def test_a_batch_from_a_file_names_its_bad_line_and_is_safe_to_repeat(
    loop: Loop, tmp_path: Path
) -> None:
    settings, file = loop.stack.settings, tmp_path / "requests.ndjson"
    bodies = [{**submission(loop.person()), "idempotency_key": str(uuid.uuid4())} for _ in "ab"]
    good = [json.dumps(one) for one in bodies]
    file.write_text(f"{good[0]}\nnonsense\n{good[1]}\n")
    first = await dsr(settings, "submit", "--batch", str(file), "--json")
    again = await dsr(settings, "submit", "--batch", str(file), "--json")
    assert (first.code, again.code) == (1, 1), first.err
    assert "line 2: " in first.err
    assert "2 accepted, 1 refused" in first.err
    results = [json.loads(line) for line in first.out.splitlines()]
    assert [one["status"] == 202 for one in results] == [True, False, True]
    assert [json.loads(line).get("id") for line in again.out.splitlines()] == [
        one.get("id") for one in results
    ]
    await loop.answered(*(one["id"] for one in results if "id" in one))


async def test_list_shows_the_newest_first_and_goes_on_by_its_cursor(loop: Loop) -> None:
    settings = loop.stack.settings
    ids = [await loop.submit() for _ in range(3)]
    page = (await dsr(settings, "list", "--limit", "2", "--json")).json
    assert [one["id"] for one in page["items"]] == ids[:0:-1]
    cursor = page["next_cursor"]
    more = (await dsr(settings, "list", "--limit", "1", "--cursor", cursor, "--json")).json
    assert [one["id"] for one in more["items"]] == [ids[0]]
    middle = next(one["received_at"] for one in page["items"] if one["id"] == ids[1])
    before = (
        await dsr(settings, "list", "--received-before", middle, "--limit", "1", "--json")
    ).json
    after = (await dsr(settings, "list", "--received-after", middle, "--json")).json
    assert [one["id"] for one in before["items"]] == [ids[0]]
    assert ids[2] in {one["id"] for one in after["items"]}
    assert ids[0] not in {one["id"] for one in after["items"]}
    table = await dsr(settings, "list", "--limit", "2")
    assert table.code == 0, table.err
    assert ids[2] in table.out
    assert "more: dsr list --cursor" in table.out
    await loop.answered(*ids)
    answered = (await dsr(settings, "list", "--state", "answered", "--limit", "3", "--json")).json
    assert {one["state"] for one in answered["items"]} == {"answered"}


async def test_watch_without_an_id_takes_the_open_ones_of_its_client(loop: Loop) -> None:
    settings = loop.stack.settings
    made = (await dsr(settings, "client", "create", "a help desk", *YES, "--json")).json
    mine = {"DSR_TOKEN": made["api_key"]}
    none = await dsr(settings, "watch", variables=mine)
    assert (none.code, "no open requests" in none.out) == (0, True), none.err
    loop.stack.stop(loop.system(SILENT))
    try:
        request_id = await _submit(loop, variables=mine)
        watching = asyncio.create_task(dsr(settings, "watch", variables=mine))
    finally:
        loop.stack.start(loop.system(SILENT))
    watched = await watching
    assert watched.code == 0, watched.err
    assert request_id in watched.out or "no open requests" in watched.out


async def test_revoked_client_is_refused(loop: Loop) -> None:
    settings = loop.stack.settings
    made = (await dsr(settings, "client", "create", "a web shop", *YES, "--json")).json
    key, client_id = made["api_key"], made["client_id"]
    listed = await dsr(settings, "client", "list", "--json")
    assert {one["client_id"]: one["revoked_at"] for one in listed.json}[client_id] is None
    assert key not in listed.out
    mine = await dsr(settings, "list", "--json", variables={"DSR_TOKEN": key})
    assert mine.json["items"] == []

    said = await dsr(settings, "client", "revoke", client_id, *YES)

    assert (said.code, f"{client_id} is revoked" in said.out) == (0, True)

    async def is_refused() -> bool:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient() as client:
            return (
                await client.get(settings.intake_url + BASE, headers=headers)
            ).status_code == 401

    await eventually(is_refused, within=20, what="the revoked key is refused")
    refused = await dsr(settings, "list", variables={"DSR_TOKEN": key})
    assert refused.fault.startswith("dsr: 401")
    assert key not in refused.err
    listed = await dsr(settings, "client", "list", "--json")
    assert {one["client_id"]: one["revoked_at"] for one in listed.json}[client_id]
    nobody = await dsr(settings, "client", "revoke", "0123456789abcdef", *YES)
    assert nobody.fault.startswith("dsr: 404")


async def test_topics_and_registry_and_dead_letters_are_told_as_json(loop: Loop) -> None:
    settings = loop.stack.settings
    topics = (await dsr(settings, "topics", "list", "--json")).json
    assert {one["name"] for one in topics} > {"dsr.requests.v1", "dsr.closures.v1.dead-letter"}
    assert all(one["partitions"] == one["declared_partitions"] for one in topics)
    registry = (await dsr(settings, "registry", "check", "--json")).json
    assert registry["systems"] == 15
    letters = (await dsr(settings, "dead-letters", "list", "--json")).json
    assert all(one["reason"] and one["refused_by"] for one in letters)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("submit", "nonsense", "--attested"), "an identifier is KIND=VALUE"),
        (("submit", "email=nonsense", "--attested"), "422"),
        (("submit", "shoe=42", "--attested"), "kind must be one of"),
        (("submit", "email=a@example.com", "--attested", "--jurisdiction", "XX"), "422"),
        (("show", "nonsense"), "422"),
        (("show", "01978f2e-3c4b-7d5a-8e6f-0a1b2c3d4e5f"), "404"),
        (("list", "--state", "nonsense"), "422"),
        (("list", "--received-after", "yesterday"), "received_after"),
        (("watch", "01978f2e-3c4b-7d5a-8e6f-0a1b2c3d4e5f"), "404"),
        (("dead-letters", "show", "nonsense"), "TOPIC/PARTITION/OFFSET"),
        (("dead-letters", "replay", "--why", "a try"), "name a dead letter"),
    ],
)
async def test_wrong_arguments_are_told_in_one_line(
    loop: Loop, arguments: tuple[str, ...], text: str
) -> None:
    said = await dsr(loop.stack.settings, *arguments)
    assert text in said.fault
    assert said.fault.startswith("dsr: ")


async def test_no_stack_is_told_in_one_line(tmp_path: Path) -> None:
    nowhere = stack_settings(tmp_path / "none")
    for arguments in (
        ("list",),
        ("client", "list"),
        ("dead-letters", "list"),
        ("topics", "list"),
    ):
        said = await dsr(nowhere, *arguments)
        assert "dsr stack up" in said.fault
    away = {"DSR_TOKEN": "dsr_x_y"}
    for arguments in (("list",), ("client", "list")):
        said = await dsr(nowhere, *arguments, variables=away)
        assert "cannot be reached" in said.fault


async def test_kafka_that_is_away_is_told_in_one_line(tmp_path: Path) -> None:
    nowhere = stack_settings(tmp_path / "none")
    variables = {
        "DSR_KAFKA_BOOTSTRAP": f"127.0.0.1:{nowhere.kafka_port}",
        "DSR_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
    }
    said = await dsr(nowhere, "dead-letters", "list", variables=variables)
    assert "Kafka" in said.fault


@pytest.fixture
def own_folder() -> Iterator[Path]:
    with data_folder() as made:
        yield made


async def _up(settings: StackSettings) -> Said:
    return await dsr(settings, "stack", "up", "--no-services")


async def test_port_taken_is_told_in_one_line_with_its_holder(tmp_path: Path) -> None:
    settings = stack_settings(tmp_path / "data")
    with socket.create_server((settings.host, settings.kafka_port)):
        said = await _up(settings)
    assert str(settings.kafka_port) in said.fault
    assert "pid" in said.fault
    assert "DSR_PORT_BASE=" in said.fault
    assert not list((tmp_path / "data" / "run").glob("*.json"))


async def test_data_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    in_the_way = await _up(stack_settings(tmp_path / "file" / "data"))
    assert "cannot use the data folder" in in_the_way.fault
    # Modes do not hold root back, but nobody makes folders here.
    not_writable = await _up(stack_settings(Path("/sys/dsr-data")))
    assert "cannot use the data folder" in not_writable.fault
    assert "DSR_DATA_DIR" in not_writable.fault


@pytest.mark.parametrize("arguments", [("stack", "up"), ("demo",)])
async def test_second_stack_on_a_data_folder_in_use_is_told_in_one_line(
    loop: Loop, arguments: tuple[str, ...]
) -> None:
    said = await dsr(loop.stack.settings, *arguments)
    assert str(loop.stack.settings.data_dir) in said.fault
    assert "DSR_PORT_BASE=" in said.fault
    assert loop.stack.is_running("kafka")
    request_id = await loop.submit()
    await loop.answered(request_id)


async def test_demo_on_the_folder_of_a_stack_that_stays_leaves_it_alone(
    own_folder: Path,
) -> None:
    """It was refused, and then stopped what somebody else had started."""
    settings = stack_settings(own_folder)
    up = await _up(settings)
    assert up.code == 0, up.err
    try:
        refused = await dsr(settings, "demo")
        assert "already running" in refused.fault
        parts = (await dsr(settings, "stack", "status", "--json")).json
        states = {one["name"]: one["state"] for one in parts}
        assert {states[name] for name in ("kafka", "temporal", "postgres")} == {"ready"}
    finally:
        assert (await dsr(settings, "stack", "down")).code == 0


async def test_second_stack_on_ports_in_use_is_told_in_one_line(loop: Loop, tmp_path: Path) -> None:
    settings = stack_settings(tmp_path / "data")
    ports = {"DSR_PORT_BASE": str(loop.stack.settings.port_base)}
    said = await dsr(settings, "stack", "up", "--no-services", variables=ports)
    assert "DSR_PORT_BASE=" in said.fault
    assert free_port_base() != loop.stack.settings.port_base


async def test_a_full_disk_for_logs_does_not_stop_a_service(loop: Loop) -> None:
    log = loop.stack.settings.logs_dir / "intake.log"
    kept = log.with_suffix(".kept")
    loop.stack.stop("intake")
    log.rename(kept)
    log.symlink_to("/dev/full")
    try:
        loop.stack.start("intake")
        request_id = await loop.submit()
        await loop.answered(request_id)
    finally:
        loop.stack.stop("intake")
        log.unlink()
        kept.rename(log)
        loop.stack.start("intake")
    assert await loop.closures(request_id) == 1
