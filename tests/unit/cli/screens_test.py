"""What the screens show where there is little room, or none of a terminal at all."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from dsr_cli.commands import list as list_requests
from dsr_cli.stack.events import StackEvent, printer
from dsr_cli.view.board import Board
from dsr_cli.view.console import new_console
from dsr_cli.view.request import request_view
from dsr_examples.catalogue import EXAMPLES

ID = "01978f2e-3c4b-7d5a-8e6f-0a1b2c3d4e5f"
REQUEST = {
    "id": ID,
    "right": "correction",
    "jurisdiction": "US-CA",
    "state": "answered",
    "outcome": "partly_fulfilled",
    "received_at": "2026-03-01T10:00:00.123456Z",
    "due_at": "2026-04-01T10:00:00Z",
}


def shown(what: Any, width: int) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


async def _page(_filters: object) -> dict[str, Any]:
    return {"items": [REQUEST]}


@pytest.mark.parametrize("width", ["80", "200"])
def test_the_list_keeps_ids_whole(monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    """At 80 columns the id was cut, which every other command takes."""
    monkeypatch.setattr(list_requests, "_fetch", _page)
    monkeypatch.setenv("COLUMNS", width)
    app = typer.Typer()
    app.command()(list_requests.command)
    output = CliRunner().invoke(app).output
    assert ID in output
    assert "…" not in output


def test_the_board_keeps_every_system_at_80_columns() -> None:
    """The last system and the duration were cut."""
    board = Board([one.system_id for one in EXAMPLES], expected=1)
    board.add(ID, ID)
    board.answer(ID, EXAMPLES[-1].system_id, "erased")
    board.move(ID, "answered")
    lines = shown(board, 80).splitlines()
    [row] = [line for line in lines if line.startswith(ID[:20])]
    assert "✔" in row
    assert row.rstrip().endswith("answered 0.0")
    for number, one in enumerate(EXAMPLES, 1):
        assert any(f"{number} {one.system_id}" in line for line in lines)


def test_a_request_keeps_the_names_of_systems_at_80_columns() -> None:
    obligations = {
        "obligations": [
            {
                "system_id": one.system_id,
                "organisation_id": one.organisation_id,
                "disposition": "unresolvable",
                "is_confirmed": False,
                "records": 0,
                "reason": "no identifier of a kind that this system knows",
            }
            for one in EXAMPLES
        ]
    }
    view = request_view({**REQUEST, "state": "open"}, obligations, None)
    table = shown(view, 80).rpartition("waiting for")[0]
    assert [one.system_id for one in EXAMPLES if one.system_id not in table] == []
    assert [one.organisation_id for one in EXAMPLES if one.organisation_id not in table] == []


def test_what_comes_from_elsewhere_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A text in brackets was taken for markup: it vanished, or ended the command in a traceback."""
    table = Table("detail")
    table.add_row("field [red] is no [/number] :smile:")
    new_console().print(table)
    assert "field [red] is no [/number] :smile:" in capsys.readouterr().out


def test_a_table_is_not_folded_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dsr list | grep` found no id, since a pipe counted as a terminal of 80."""
    monkeypatch.delenv("COLUMNS", raising=False)
    new_console().print("x" * 120)
    assert capsys.readouterr().out.splitlines() == ["x" * 120]


def test_a_step_is_told_once() -> None:
    """It was told as "preparing making the database"."""
    lines: list[str] = []
    listen = printer(lines.append)
    listen(StackEvent(kind="preparing", name="postgres", detail="making the database"))
    listen(StackEvent(kind="ready", name="postgres", detail="here", seconds=1.0))
    assert lines == ["postgres: making the database", "postgres: ready here (1.0 s)"]
