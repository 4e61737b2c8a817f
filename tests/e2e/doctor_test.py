"""`dsr doctor` and `dsr support-bundle` on a running loop: every part is looked at, and none hides another."""

from __future__ import annotations

import json
import secrets
import tarfile
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from dsr_cli.group.access_plan import intended
from dsr_cli.group.bring_up import local_registry
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.access import grant_entries, revoke_entries
from dsr_wire.topics import CLOSURES
from support.command import dsr
from support.leaks import leaks
from support.loop import Loop


async def examined(loop: Loop) -> dict[str, list[dict[str, Any]]]:
    said = await dsr(loop.stack.settings, "doctor", "--json")
    assert said.code in {0, 1, 2}, said.err
    found: dict[str, list[dict[str, Any]]] = {}
    for one in json.loads(said.out):
        found.setdefault(one["part"], []).append(one)
    worst = {one["state"] for many in found.values() for one in many}
    assert said.code == (2 if "fault" in worst else 1 if "warning" in worst else 0)
    return found


async def test_every_part_is_looked_at_and_what_is_well_is_said_to_be(loop: Loop) -> None:
    found = await examined(loop)
    well = {part for part, many in found.items() if all(one["state"] == "ok" for one in many)}
    address = loop.stack.kafka_bootstrap
    expected = {
        "intake", "fanout", "verifier", "versions", "kafka", "topics", "rights", "postgresql",
        "postgresql: schema intake", "postgresql: schema verifier", "postgresql: clock", "keys",
        "log", "intake: clock", "intake: mail server", "intake: object store", "intake: keys",
        "intake: verifier", "fanout: temporal server", "fanout: temporal", "verifier: streams",
        f"kafka {address}: certificate",
    }  # fmt: skip
    assert well >= expected, found
    [server] = found["fanout: temporal server"]
    assert server["seen"].startswith("Temporal 1.")
    shown = await dsr(loop.stack.settings, "doctor")
    lines = shown.out.splitlines()
    for part in expected:
        assert any(part in line and "✓" in line for line in lines), part


async def test_the_settings_of_the_local_stack_have_no_faults(loop: Loop) -> None:
    said = await dsr(loop.stack.settings, "config", "check", "--json")
    assert said.json == {
        "faults": {
            part: [] for part in ("intake", "fanout", "verifier", "unknown", "registry", "rules")
        },
        "not_installed": [],
    }


async def test_a_part_that_is_stopped_hides_no_other(loop: Loop) -> None:
    loop.stack.stop("fanout")
    try:
        found = await examined(loop)
    finally:
        loop.stack.start("fanout")
    [fanout] = found["fanout"]
    assert fanout["state"] == "fault"
    assert "does not answer" in fanout["seen"]
    assert fanout["todo"]
    assert {found[part][0]["state"] for part in ("intake", "verifier", "topics", "log")} == {"ok"}


async def test_a_changed_topic_and_a_missing_right_are_found(loop: Loop) -> None:
    admin = kafka_admin(loop.stack)
    client = admin.client()

    def keep_closures(milliseconds: str) -> None:
        how = AlterConfigOpType.SET
        entry = ConfigEntry("min.compaction.lag.ms", milliseconds, incremental_operation=how)
        resource = ConfigResource(ResourceType.TOPIC, CLOSURES.name, incremental_configs=[entry])
        for future in client.incremental_alter_configs([resource]).values():
            future.result()

    entry = next(
        one
        for one in sorted(intended(local_registry(loop.stack)).entries)
        if one.user.startswith("organisation.") and one.operation == "describe"
    )
    keep_closures("60000")
    revoke_entries(client, [entry])
    try:
        found = await examined(loop)
    finally:
        keep_closures("0")
        grant_entries(client, [entry])
    [topic] = [one for one in found["topics"] if CLOSURES.name in one["seen"]]
    assert topic["state"] == "fault"
    assert "min.compaction.lag.ms is 60000, and should be 0" in topic["seen"]
    [right] = found["rights"]
    assert right["state"] == "fault"
    assert f"{entry.user} may not {entry.operation} {entry.name}" in right["seen"]
    assert "dsr acl apply" in right["todo"]


async def test_the_support_bundle_helps_and_names_nobody(loop: Loop, tmp_path: Path) -> None:
    person, mark = loop.person(), f"canary-{secrets.token_hex(6)}"
    request_id = await loop.submit(person)
    await loop.answered(request_id)
    log = loop.stack.settings.logs_dir / "intake.log"
    planted = [
        {"event": f"no such person: {mark}@example.com", "logger": "httpx", "level": "info"},
        {"event": "a letter waits", "logger": "dsr_intake.letters", "error": f"{mark} is full"},
        {
            "event": "a step",
            "logger": "dsr_intake",
            "address": mark,
            "exception": f"ValueError: {mark}",
        },
        {"event": f"for {mark}", "logger": "dsr_intake", "reason": f"{mark}@example.com"},
    ]
    with log.open("a") as lines:
        lines.write("".join(f"{json.dumps(one)}\n" for one in planted))
        lines.write(f"no JSON, and {mark}\n")
    file = tmp_path / "bundle.tar.gz"
    said = await dsr(
        loop.stack.settings, "support-bundle", str(file), variables={"DSR_TRACES_TOKEN": mark}
    )
    assert said.code == 0, said.err
    assert file.stat().st_mode & 0o077 == 0
    unpacked = tmp_path / "unpacked"
    with tarfile.open(file) as archive:
        archive.extractall(unpacked, filter="data")
    [folder] = unpacked.iterdir()
    names = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    logs = {f"logs/{one}.jsonl" for one in ("intake", "fanout", "verifier")}
    metrics = {f"metrics/{one}.txt" for one in ("intake", "fanout", "verifier")}
    assert names == {"README.txt", "doctor.json", "settings.json", "versions.json", *logs, *metrics}
    secret = [
        one.read_text().strip()
        for one in loop.stack.settings.secrets_dir.iterdir()
        if one.is_file()
    ]
    values = [value for kinds in person.identifiers.values() for value in kinds]
    wanted = [mark, *values, *(one for one in secret if one and "\n" not in one)]
    assert leaks(unpacked, wanted) == []
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["intake"]["shown"]["DSR_POSTGRES_POOL_SIZE"] == 8
    assert "DSR_INTERNAL_TOKEN" in settings["intake"]["set_and_not_shown"]
    assert json.loads((folder / "doctor.json").read_text())
    assert "dsr_intake_accepted_total{" in (folder / "metrics" / "intake.txt").read_text()
    shown = [
        json.loads(line) for line in (folder / "logs" / "intake.jsonl").read_text().splitlines()
    ]
    assert {"a letter waits", "started", "(not shown)"} <= {one["event"] for one in shown}
    again = await dsr(loop.stack.settings, "support-bundle", str(file))
    assert "cannot be written" in again.fault
