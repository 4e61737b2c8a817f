"""Commands on an intake that is pretended: what they send, follow and print."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from dsr_cli.api.client import OPENED, Event
from dsr_cli.commands import list as list_requests
from dsr_cli.commands import stack, submit, submit_file, watch
from dsr_cli.errors import CommandError
from dsr_cli.stack import StackSettings
from dsr_cli.view.board import Board


class PretendedIntake:
    """Answers as intake does, two requests with different systems each."""

    submitted: ClassVar[list[dict[str, Any]]] = []
    listed: ClassVar[list[dict[str, Any]]] = []
    systems: ClassVar = {"one": ["billing"], "two": ["accounts", "billing"]}

    def __init__(self, *_connection: str) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass

    async def submit(self, body: dict[str, Any], **_options: str) -> dict[str, Any]:
        self.submitted.append(body)
        return {"id": "one", "due_at": "2026-07-31"}

    async def submit_batch(self, lines: Iterable[str]) -> AsyncIterator[dict[str, Any]]:
        for number, line in enumerate(lines, 1):
            if "bad" in line:
                yield {"line": number, "status": 422, "problem": {"detail": "it is bad"}}
            else:
                yield {"line": number, "status": 202, "id": json.loads(line)["idempotency_key"]}

    async def list(self, **filters: str | int) -> dict[str, Any]:
        self.listed.append(filters)
        return {"items": []}

    async def show(self, request_id: str) -> dict[str, Any]:
        return {"id": request_id, "state": "answered"}

    async def obligations(self, request_id: str) -> dict[str, Any]:
        owed = self.systems[request_id]
        return {"obligations": [{"system_id": one, "disposition": "erased"} for one in owed]}

    async def events(self, request_id: str | None = None, **_: str) -> AsyncIterator[Event]:
        yield Event("", OPENED, {})
        yield Event("1", "state", {"request_id": request_id, "state": "answered"})


@pytest.fixture(autouse=True)
def intake(monkeypatch: pytest.MonkeyPatch) -> None:
    PretendedIntake.submitted.clear()
    PretendedIntake.listed.clear()
    for module in (list_requests, submit, submit_file, watch):
        monkeypatch.setattr(module, "IntakeClient", PretendedIntake)
        monkeypatch.setattr(module, "api_connection", lambda: ("url", "key"))


def run(command: Any, *arguments: str, stdin: str = "") -> Result:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, arguments, input=stdin)


def test_identifiers_from_standard_input_are_not_in_the_arguments() -> None:
    result = run(submit.command, "-", "--attested", stdin="email=a@example.com\n\nphone=+4930\n")
    assert result.exit_code == 0, result.output
    [body] = PretendedIntake.submitted
    assert body["identity"] == [
        {"kind": "email", "value": "a@example.com"},
        {"kind": "phone", "value": "+4930"},
    ]


def test_a_line_of_standard_input_that_is_no_identifier_is_refused() -> None:
    result = run(submit.command, "-", "--attested", stdin="a@example.com\n")
    assert isinstance(result.exception, CommandError)
    assert not PretendedIntake.submitted


def test_a_refused_line_of_a_batch_is_named_by_its_place_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit_file, "_LINES_A_CALL", 2)
    file = tmp_path / "requests.ndjson"
    good = [json.dumps({"idempotency_key": f"key-{number}"}) for number in range(4)]
    file.write_text("\n".join([*good[:3], "", "bad", good[3]]))
    result = run(submit.command, "--batch", str(file))
    assert result.exit_code == 1
    assert "line 5: 422 it is bad" in result.output
    assert result.output.splitlines()[-1] == "4 accepted, 1 refused"


def test_a_batch_without_a_refusal_ends_well_and_tells_every_id(tmp_path: Path) -> None:
    file = tmp_path / "requests.ndjson"
    file.write_text('{"idempotency_key": "a"}\n\n{"idempotency_key": "b"}\n')
    result = run(submit.command, "--batch", str(file), "--json")
    assert result.exit_code == 0, result.output
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["line"], one["id"]) for one in told] == [(1, "a"), (3, "b")]


@pytest.mark.parametrize("arguments", [("--batch", "nowhere.ndjson"), (), ("a=b", "--batch", "c")])
def test_a_batch_that_cannot_be_is_told_in_one_line(arguments: tuple[str, ...]) -> None:
    result = run(submit.command, *arguments)
    assert isinstance(result.exception, CommandError)
    assert len(str(result.exception).splitlines()) == 1


def test_listing_takes_every_filter_of_the_api() -> None:
    """The times of receipt could not be given."""
    given = {
        "state": "open",
        "right": "deletion",
        "jurisdiction": "DE",
        "received_after": "2026-03-01T00:00:00Z",
        "received_before": "2026-04-01T00:00:00Z",
        "cursor": "abc",
        "limit": 7,
    }
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    result = run(list_requests.command, *options)
    assert result.exit_code == 0, result.output
    assert PretendedIntake.listed == [given]


def test_watching_as_json_follows_every_request_that_is_named() -> None:
    result = run(watch.command, "one", "two", "--json")
    told = [json.loads(line)["request_id"] for line in result.output.splitlines()]
    assert sorted(told) == ["one", "two"]


def test_watching_shows_the_systems_of_every_request() -> None:
    result = run(watch.command, "one", "two")
    assert result.exit_code == 0, result.output
    assert "1 accounts   2 billing" in result.output


def test_a_system_whose_obligation_opens_late_gets_its_column() -> None:
    board = Board((), expected=1)
    board.add("one", "one")
    board.answer("one", "newsletter", None)
    board.answer("one", "accounts", "erased")
    board.answer("elsewhere", "billing", "erased")
    assert board.systems == ["accounts", "newsletter"]


def test_the_way_to_the_api_is_printed_as_a_shell_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = StackSettings(
        checkout=tmp_path,
        port_base=17000,
        data_dir=tmp_path / ".dsr" / "17000",
        cache_dir=tmp_path,
    )
    monkeypatch.chdir(tmp_path)
    assert stack._api_lines(settings)[2:] == [
        "export DSR_INTAKE_URL=http://127.0.0.1:17000",
        "export DSR_API_KEY=$(cat .dsr/17000/secrets/api-key)",
    ]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert str(settings.secrets_dir) in stack._api_lines(settings)[0]
