"""As whom a command calls: `--as`, else DSR_TOKEN, else the local stack's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr_cli import connection
from dsr_cli.connection import OFFICER, act_as, api_connection, internal_connection, key_name
from dsr_cli.errors import CommandError
from dsr_cli.main import principal_of
from support.parts import stack_settings


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The local stack's keys, in a folder of the test."""
    settings = stack_settings(tmp_path)
    monkeypatch.setattr(connection.StackSettings, "from_environment", lambda: settings)
    monkeypatch.delenv("DSR_TOKEN", raising=False)
    settings.secrets_dir.mkdir(parents=True)
    for name in ("client", "operator-1", "operator-2", OFFICER):
        (settings.secrets_dir / key_name(name)).write_text(f"key of {name}\n")
    yield settings.secrets_dir
    act_as(None)


@pytest.mark.parametrize(
    ("typed", "rest", "name"),
    [
        (["hold", "list"], ["hold", "list"], None),
        (["--as", "operator-2", "hold", "list"], ["hold", "list"], "operator-2"),
        (["hold", "list", "--as=operator-2"], ["hold", "list"], "operator-2"),
        (["hold", "--as"], ["hold"], ""),
        (["show", "--", "--as", "x"], ["show", "--", "--as", "x"], None),
    ],
)
def test_as_is_taken_wherever_it_stands(
    typed: list[str], rest: list[str], name: str | None
) -> None:
    assert principal_of(typed) == (rest, name)


def test_each_command_calls_as_who_does_such_things() -> None:
    assert api_connection()[1] == "key of client"
    assert internal_connection().token == "key of operator-1"
    assert internal_connection(OFFICER).token == "key of privacy-officer"


def test_a_token_of_the_environment_comes_before_and_as_before_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DSR_TOKEN", "a token")
    assert (api_connection()[1], internal_connection().token) == ("a token", "a token")
    act_as("operator-2")
    assert internal_connection(OFFICER).token == "key of operator-2"


@pytest.mark.parametrize("name", ["", "nobody", "../api-key", "internal-token/../api-key"])
def test_who_is_not_there_is_nobody(name: str) -> None:
    act_as(name)
    with pytest.raises(CommandError, match="no principal"):
        internal_connection()


def test_no_credential_is_told(secrets: Path) -> None:
    for file in secrets.iterdir():
        file.unlink()
    with pytest.raises(CommandError, match="DSR_TOKEN"):
        api_connection()
    assert "key" not in repr(connection.Internal("http://x", "key"))
