"""What reads can be read by machines: every reading command has `--json`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from support.command import dsr, environment
from support.command_line import FETCHING, MEASURING, READING, commands
from support.parts import ROOT, stack_settings

CHANGING = {
    "accept",
    "apply",
    "approve",
    "ask",
    "challenge",
    "create",
    "demo",
    "destroy",
    "down",
    "export",
    "extend",
    "give-up",
    "given",
    "grant",
    "lift",
    "link",
    "opt-in",
    "password",
    "place",
    "propose",
    "prove",
    "publish",
    "receive",
    "reconcile",
    "refer",
    "refuse",
    "register",
    "release",
    "remove",
    "renew",
    "replay",
    "reset",
    "revoke",
    "rotate",
    "selftest",
    "send-again",
    "set",
    "submit",
    "up",
    "withdraw",
}


def test_every_reading_command_has_json() -> None:
    """`dsr stack logs` had none."""
    found = dict(commands())
    last_words = {path.split()[-1] for path in found}
    assert last_words == READING | MEASURING | CHANGING | FETCHING, (
        "say of a new command what it does"
    )
    without = [
        path
        for path, command in found.items()
        if path.split()[-1] in READING | MEASURING
        and not any("--json" in parameter.opts for parameter in command.params)
    ]
    assert without == []


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = stack_settings(tmp_path).logs_dir
    folder.mkdir(parents=True)
    return folder


async def test_logs_as_json_name_the_process_and_keep_what_it_said(
    tmp_path: Path, logs: Path
) -> None:
    many = [json.dumps({"event": "seen", "level": "info", "n": n}) for n in range(60)]
    (logs / "intake.log").write_text("\n".join(many) + "\n")
    (logs / "kafka.log").write_text('INFO started\n["no record"]\nhalf a li')
    said = await dsr(stack_settings(tmp_path), "stack", "logs", "--json")
    records = [json.loads(line) for line in said.out.splitlines()]
    assert records[0] == {"process": "intake", "event": "seen", "level": "info", "n": 10}
    assert [one["n"] for one in records if one["process"] == "intake"] == list(range(10, 60))
    assert records[50:] == [
        {"process": "kafka", "event": "INFO started"},
        {"process": "kafka", "event": '["no record"]'},
    ]
    missing = await dsr(stack_settings(tmp_path), "stack", "logs", "none", "--json")
    assert "there are: intake, kafka" in missing.fault


async def test_followed_logs_go_on_after_one_was_put_aside(tmp_path: Path, logs: Path) -> None:
    log = logs / "kafka.log"
    log.write_text("first\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", "from dsr_cli.main import main; main()", "stack", "logs", "-f", "--json"),
        cwd=ROOT,
        env=environment(stack_settings(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            assert json.loads(await process.stdout.readline())["event"] == "first"
            with log.open("a") as file:
                file.write("second\n")
            log.replace(log.with_suffix(".log.1"))
            log.write_text("third\n")
            assert json.loads(await process.stdout.readline())["event"] == "second"
            assert json.loads(await process.stdout.readline())["event"] == "third"
    finally:
        process.terminate()
        await process.wait()
