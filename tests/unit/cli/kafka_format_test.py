"""Formatting Kafka's storage: its administrator's password is seen by nobody else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dsr_cli.stack import kafka
from dsr_cli.stack.errors import StackError

PASSWORD = "a-secret-word"


@pytest.fixture
def properties(tmp_path: Path) -> Path:
    file = tmp_path / "server.properties"
    file.write_text(f"log.dirs={tmp_path / 'data'}\n")
    return file


def test_the_admin_password_is_not_on_a_command_line(
    properties: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def run_tool(command: list[str]) -> None:
        seen.extend(command)
        file = Path(command[-1].removeprefix("@"))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert f"password={PASSWORD}]" in file.read_text()
        properties.with_name("half-made").mkdir()

    monkeypatch.setattr(kafka, "run_tool", run_tool)
    kafka._format(("java",), properties, properties.with_name("data"), PASSWORD)
    assert not any(PASSWORD in one for one in seen)
    assert properties.with_name("data").is_dir()
    assert not properties.with_name("format.arguments").exists()


def test_a_format_that_fails_leaves_no_password_in_a_file_of_its_own(
    properties: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_tool(_command: list[str]) -> None:
        raise StackError("no")

    monkeypatch.setattr(kafka, "run_tool", run_tool)
    with pytest.raises(StackError):
        kafka._format(("java",), properties, properties.with_name("data"), PASSWORD)
    assert not properties.with_name("format.arguments").exists()
