"""`dsr stack`, as a person types it: a detached stack, from nothing to nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dsr_cli.stack import StackSettings
from dsr_cli.stack.supervisor import is_gone

Dsr = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def settings(data_dir: Path, new_settings: Callable[[Path], StackSettings]) -> StackSettings:
    return new_settings(data_dir)


@pytest.fixture
def dsr(settings: StackSettings) -> Iterator[Dsr]:
    place = {
        "DSR_PORT_BASE": str(settings.port_base),
        "DSR_DATA_DIR": str(settings.data_dir),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from dsr_cli.main import main; main()", *arguments],
            env={**os.environ, **place},
            cwd=settings.checkout,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    run("stack", "reset", "--yes")


def _parts(dsr: Dsr) -> dict[str, dict[str, object]]:
    return {part["name"]: part for part in json.loads(dsr("stack", "status", "--json").stdout)}


def _runs(pid: object) -> bool:
    try:
        return not is_gone(psutil.Process(int(str(pid))))
    except psutil.NoSuchProcess:
        return False


def test_up_status_logs_down_up_reset(dsr: Dsr, settings: StackSettings) -> None:
    up = dsr("stack", "up", "--no-services")
    assert up.returncode == 0, up.stderr
    assert settings.temporal_ui_url.removeprefix("http://") in up.stdout

    parts = _parts(dsr)
    assert {parts[name]["state"] for name in ("kafka", "temporal", "postgres")} == {"ready"}

    again = dsr("stack", "up", "--no-services")
    assert again.returncode == 1
    [line] = again.stderr.splitlines()
    assert "already running" in line
    assert f"kafka {parts['kafka']['pid']}" in line

    assert "database system is ready" in dsr("stack", "logs", "postgres").stdout

    assert dsr("stack", "down").returncode == 0
    assert {part["state"] for part in _parts(dsr).values()} == {"stopped"}
    assert not any(_runs(part["pid"]) for part in parts.values() if part["pid"])
    assert (settings.data_dir / "kafka").is_dir()

    assert dsr("stack", "reset", "--yes").returncode == 0
    assert [path.name for path in settings.data_dir.iterdir() if path.is_dir()] == ["run"]


def test_nonsense_for_a_port_base_is_said_in_one_line() -> None:
    refused = subprocess.run(
        [sys.executable, "-c", "from dsr_cli.main import main; main()", "stack", "status"],
        env={**os.environ, "DSR_PORT_BASE": "many"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line.startswith("dsr: DSR_PORT_BASE is 'many'")
