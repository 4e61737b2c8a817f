"""A full disk, made for real: one line that says what is full and what to do, and no more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsr_cli.stack import Stack, StackSettings
from support.command import dsr
from support.small_disk import on_small_disk

FULL = {"kilobytes": 64, "full": True}
NEARLY_FULL = {"kilobytes": 10_000, "full": False}


@pytest.fixture
def settings(
    tmp_path: Path, new_settings: Callable[[Path], StackSettings]
) -> Iterator[StackSettings]:
    """A stack that has its folders, as an earlier start left them."""
    settings = new_settings(tmp_path / "data")
    settings.logs_dir.mkdir(parents=True)
    (settings.data_dir / ".dsr-stack").touch()
    yield settings
    Stack(settings, attached=False).down()


@pytest.mark.parametrize("arguments", [("stack", "up"), ("demo",)])
@pytest.mark.parametrize(
    ("disk", "what"), [(FULL, "No space left on device"), (NEARLY_FULL, "only 10 MB free")]
)
async def test_no_room_for_logs_is_told_in_one_line_before_anything_starts(
    settings: StackSettings, arguments: tuple[str, ...], disk: dict[str, int], what: str
) -> None:
    before = on_small_disk(settings.logs_dir, **disk)
    said = await dsr(settings, *arguments, before=before)
    assert what in said.fault
    assert said.fault.startswith(f"dsr: cannot write logs to {settings.logs_dir}: ")
    assert "; free some space, or move the data: DSR_DATA_DIR=" in said.fault
    assert said.out == ""
    assert not list(settings.run_dir.glob("*.pid"))


async def test_a_full_disk_for_the_pid_files_is_told_in_one_line(settings: StackSettings) -> None:
    settings.run_dir.mkdir()
    said = await dsr(settings, "stack", "up", before=on_small_disk(settings.run_dir, **FULL))
    assert f"cannot write to {settings.run_dir}: No space left on device" in said.fault
    assert "DSR_DATA_DIR=" in said.fault


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_status_says_in_one_line_that_logs_are_lost(
    settings: StackSettings, options: tuple[str, ...]
) -> None:
    command = ("stack", "status", *options)
    said = await dsr(settings, *command, before=on_small_disk(settings.logs_dir, **FULL))
    [line] = said.err.splitlines()
    assert said.code == 0
    assert line.startswith(f"dsr: cannot write logs to {settings.logs_dir}: No space left on")
    assert "kafka" in said.out
    fine = await dsr(settings, *command)
    assert (fine.code, fine.err) == (0, "")


PART = """
import sys, threading
from pathlib import Path
from dsr_cli.stack import ProcessSpec, StackError
from dsr_cli.stack.records import Records
from dsr_cli.stack.supervisor import Supervisor
logs = Path(sys.argv[1])
supervisor = Supervisor(records=Records(logs.parent), logs_dir=logs, host="", attached=True)
chatty = "print('on and on ' * 100_000, flush=True)"
spec = ProcessSpec(name="part", argv=(sys.executable, "-c", chatty), ready=lambda: False)
try:
    supervisor.start(spec, note=lambda _: None, cancelled=threading.Event())
except StackError as error:
    print(error)
"""
"""Starts a part that writes more than there is room for, and prints what is said of it."""


def test_a_part_that_fails_since_its_log_is_full_is_told_in_one_line(tmp_path: Path) -> None:
    """It was told by the end of its log, which was cut off before it said why."""
    logs = tmp_path / "logs"
    logs.mkdir()
    done = subprocess.run(
        [*on_small_disk(logs, kilobytes=64), sys.executable, "-c", PART, str(logs)],
        capture_output=True,
        text=True,
        check=True,
    )
    [line] = done.stdout.splitlines()
    assert line.startswith("part ended with status 1 before it was ready: cannot write logs to")
    assert "free some space" in line


async def test_a_disk_that_fills_while_a_command_works_is_told_in_one_line(
    settings: StackSettings,
) -> None:
    said = await dsr(settings, "registry", "graph", "--output", "/dev/full")
    assert said.fault == "dsr: No space left on device; free some space, and try again"
