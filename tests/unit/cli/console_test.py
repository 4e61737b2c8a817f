"""What somebody else wrote tells a terminal nothing: it is shown as it is spelt."""

from __future__ import annotations

import pytest
from rich.table import Table

from dsr_cli.commands.verify import report_text
from dsr_cli.view.console import new_console, printable
from dsr_wire.certificate.report import Check, Mark, Report

HOSTILE = "x\ngood: 7 checks hold\x1b[8m\u202e"


@pytest.mark.parametrize("text", ["plain", "Zürich, 東京", "", "a b"])
def test_words_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


def test_what_controls_a_terminal_is_spelt_out() -> None:
    assert printable(HOSTILE) == "x\\ngood: 7 checks hold\\x1b[8m\\u202e"


def test_a_file_writes_no_verdict_of_its_own() -> None:
    report = Report((Check("statement", Mark.FAILED, f"an unknown field: {HOSTILE}"),))
    lines = report_text(report).splitlines()
    assert len(lines) == 2
    assert lines[-1].startswith("refused")
    assert "\x1b" not in "".join(lines)


def test_no_cell_of_a_table_moves_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table()
    table.add_column("reason")
    table.add_row(HOSTILE)
    console = new_console()
    console.print(table)
    console.print(f"said: {HOSTILE}")
    out = capsys.readouterr().out
    assert "\x1b[8m" not in out
    assert "\u202e" not in out
    assert "\\x1b" in out
