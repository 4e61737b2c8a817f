"""`dsr certificate` and `dsr verify`: files in, words out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest
from typer.testing import CliRunner

from dsr_cli.api.client import ApiError
from dsr_cli.commands import certificate as fetching
from dsr_cli.errors import CommandError
from dsr_cli.main import new_app
from support.evidence import Office, a_full_certificate
from support.parts import ROOT

OFFICE = Office()
ONE = a_full_certificate(OFFICE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "certificate.json").write_bytes(ONE.to_bytes())
    (tmp_path / "keys.json").write_bytes(OFFICE.keys.to_bytes())
    (tmp_path / "registry.json").write_bytes(OFFICE.registry.canonical() + b"\n")
    (tmp_path / "checkpoint").write_text(ONE.log.checkpoint)
    return tmp_path


def run(folder: Path, *more: str) -> Any:
    arguments = ["verify", str(folder / "certificate.json"), "--keys", str(folder / "keys.json")]
    return CliRunner().invoke(new_app(["verify"]), [*arguments, *more])


def test_a_good_certificate_is_told_line_by_line(folder: Path) -> None:
    given = (
        "--registry",
        str(folder / "registry.json"),
        "--checkpoint",
        str(folder / "checkpoint"),
    )
    done = run(folder, *given)
    assert done.exit_code == 0, done.output
    *lines, last = done.output.splitlines()
    assert {line[0] for line in lines} == {"\u2713", "?"}
    assert last == "good: 16 checks hold; 3 marked ? stay somebody's word"
    assert "\u2713 log.checkpoint: it is the checkpoint that was kept" in lines


def test_a_changed_certificate_is_refused_with_the_part_and_exit_code_1(folder: Path) -> None:
    changed = ONE.to_bytes().replace(b"HGB 257", b"HGB 258")
    (folder / "certificate.json").write_bytes(changed)
    done = run(folder)
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "\u2717 answers[3].says: is not what the signed answer says",
        "refused: 1 check does not hold (answers[3].says)",
    ]


def test_the_report_is_there_for_machines(folder: Path) -> None:
    document = json.loads(run(folder, "--json").output)
    assert document["is_good"] is True
    assert document["checks"][0] == {
        "part": "file",
        "mark": "good",
        "text": "the file is in its one form, and what it says in words is what was signed",
    }


def test_the_registry_may_be_its_folder(folder: Path) -> None:
    done = run(folder, "--registry", str(ROOT / "registry"))
    assert "the registry that was given is another version" in done.output


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ("--keys", "published keys"),
        ("--registry", "no registry"),
        ("--checkpoint", "no checkpoint"),
    ],
)
def test_files_that_are_something_else_are_said_to_be(folder: Path, option: str, word: str) -> None:
    (folder / "other").write_bytes(b"\xff")
    with pytest.raises(CommandError, match=word):
        raise run(folder, option, str(folder / "other")).exception
    with pytest.raises(CommandError, match="No such file"):
        raise run(folder, option, str(folder / "absent")).exception


class PretendedIntake:
    """Has a certificate once it was asked for a few times."""

    pending: ClassVar[list[int]] = []

    def __init__(self, *_connection: str) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass

    async def certificate(self, request_id: str) -> bytes:
        if self.pending:
            raise ApiError(f"no certificate of {request_id}", status=self.pending.pop(0))
        return ONE.to_bytes()

    async def evidence_keys(self) -> bytes:
        return OFFICE.keys.to_bytes()


def fetch(monkeypatch: pytest.MonkeyPatch, *arguments: str, pending: tuple[int, ...] = ()) -> Any:
    PretendedIntake.pending[:] = pending
    monkeypatch.setattr(fetching, "IntakeClient", PretendedIntake)
    monkeypatch.setattr(fetching, "_PAUSE_S", 0.001)
    monkeypatch.setenv("DSR_TOKEN", "dsr_key")
    return CliRunner().invoke(new_app(["certificate"]), ["certificate", "one", *arguments])


def test_a_certificate_is_waited_for_and_written_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file, keys = tmp_path / "c.json", tmp_path / "k.json"
    done = fetch(monkeypatch, "-o", str(file), "--keys", str(keys), pending=(409, 409))
    assert done.exit_code == 0, done.output
    assert (file.read_bytes(), keys.read_bytes()) == (ONE.to_bytes(), OFFICE.keys.to_bytes())
    assert fetch(monkeypatch).stdout_bytes == ONE.to_bytes()


def test_a_request_without_a_certificate_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(fetch(monkeypatch, pending=(404,)).exception, ApiError)
    assert isinstance(fetch(monkeypatch, "-o", "/none/at/all").exception, CommandError)
