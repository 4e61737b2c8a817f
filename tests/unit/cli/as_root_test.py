"""What root's first start changes on the machine is said before it is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dsr_cli.commands.stack_progress import ShownProgress
from dsr_cli.stack import StackError, StackEvent, StackSettings, postgres
from dsr_cli.stack.secret_store import SecretStore


@pytest.fixture
def prepare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[str], None]], None]:
    settings = StackSettings(
        checkout=tmp_path, port_base=17000, data_dir=tmp_path / "data", cache_dir=tmp_path
    )

    def change(*_arguments: object) -> None:
        raise StackError("here it would change something")

    monkeypatch.setattr(postgres.os, "geteuid", lambda: 0)
    monkeypatch.setattr(postgres, "postgres_binaries", lambda: Path("/usr/bin"))
    monkeypatch.setattr(postgres, "_ensure_system_user", change)
    monkeypatch.setattr(postgres, "_let_reach", change)
    return postgres.postgres_spec(settings, SecretStore(settings.secrets_dir)).prepare


def test_a_new_system_user_and_opened_folders_are_announced_first(
    prepare: Callable[[Callable[[str], None]], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(postgres, "_has_account", lambda: False)
    said: list[str] = []
    with pytest.raises(StackError):
        prepare(said.append)
    [line] = said
    assert line.startswith("as root: creating the system user dsr-postgres; ")
    assert "(o+x)" in line
    assert str(tmp_path) in line


def test_where_nothing_is_to_change_nothing_is_announced(
    prepare: Callable[[Callable[[str], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_has_account", lambda: True)
    monkeypatch.setattr(postgres, "_closed_parents", lambda *_folders: [])
    said: list[str] = []
    with pytest.raises(StackError):
        prepare(said.append)
    assert said == []


def test_the_announcement_is_not_overwritten_by_the_next_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, to rich
    with ShownProgress() as progress:
        for detail in ("as root: creating the system user dsr-postgres", "making the database"):
            progress.listen(StackEvent(kind="preparing", name="postgres", detail=detail))
    lines = [line for line in capsys.readouterr().err.splitlines() if "as root" in line]
    assert any("postgres: as root" in line for line in lines), lines
