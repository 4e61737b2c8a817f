"""The board: a row a request, a cell a system, filling as acknowledgements come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dsr_core.rights import Disposition

__all__ = ["Board", "Row", "cell"]

_CELLS = {
    Disposition.RECEIVED: ("·", "cyan"),
    Disposition.IN_PROGRESS: ("…", "cyan"),
    Disposition.ERASED: ("✔", "green"),
    Disposition.ABSENT: ("✔", "green"),
    Disposition.PRESENT: ("!", "red"),
    Disposition.DELIVERED: ("✔", "green"),
    Disposition.INFORMED: ("✔", "green"),
    Disposition.HEEDED: ("✔", "green"),
    Disposition.CORRECTED: ("✔", "green"),
    Disposition.RESTRICTED: ("✔", "green"),
    Disposition.ALREADY_RIGHT: ("✔", "green"),
    Disposition.NOT_FOUND: ("∅", "blue"),
    Disposition.EXEMPT: ("§", "yellow"),
    Disposition.PARTIALLY_EXEMPT: ("◐", "yellow"),
    Disposition.REFUSED: ("§", "yellow"),
    Disposition.FAILED: ("✘", "red"),
    Disposition.UNRESOLVABLE: ("?", "red"),
    Disposition.STOPPED: ("■", "magenta"),
    Disposition.TOO_LATE: ("▪", "magenta"),
}
_ENDED = {"closed", "answered"}
_LEGEND = (
    Disposition.ERASED,
    Disposition.NOT_FOUND,
    Disposition.PARTIALLY_EXEMPT,
    Disposition.STOPPED,
    Disposition.TOO_LATE,
    Disposition.IN_PROGRESS,
    Disposition.FAILED,
    Disposition.UNRESOLVABLE,
)


def cell(disposition: str | None) -> Text:
    """Return the sign of an answer; a dot where there is none yet."""
    if disposition is None:
        return Text("·", style="dim")
    sign, style = _CELLS[Disposition(disposition)]
    return Text(sign, style=style)


@dataclass(slots=True)
class Row:
    """One request on the board."""

    request_id: str
    label: str
    began: float = field(default_factory=time.monotonic)
    state: str = "open"
    outcome: str | None = None
    seconds: float | None = None
    """From submission until it was closed."""

    answers: dict[str, str | None] = field(default_factory=dict)


class Board:
    """Requests and their answers as they come in; rendering shows what is known now."""

    def __init__(self, systems: Sequence[str], *, expected: int) -> None:
        self.systems = systems
        self._expected = expected
        self.rows: dict[str, Row] = {}

    def add(self, request_id: str, label: str) -> Row:
        """Add a request, or return the row that it has already."""
        return self.rows.setdefault(request_id, Row(request_id, label))

    def answer(self, request_id: str, system_id: str, disposition: str | None) -> None:
        """Note a system's newest answer, or that it owes one; a request that is not there is ignored.

        A system that has no column yet gets one.
        """
        row = self.rows.get(request_id)
        if row is not None:
            if system_id not in self.systems:
                self.systems = sorted({*self.systems, system_id})
            row.answers[system_id] = disposition

    def move(self, request_id: str, state: str, outcome: str | None = None) -> None:
        """Note a request's state, and its outcome; a request that is not on the board is ignored."""
        row = self.rows.get(request_id)
        if row is not None:
            row.state, row.outcome = state, outcome or row.outcome
            if state in _ENDED and row.seconds is None:
                row.seconds = time.monotonic() - row.began

    @property
    def is_done(self) -> bool:
        """Whether every expected request is on the board, closed and answered."""
        return len(self.rows) >= self._expected and all(
            row.state == "answered" for row in self.rows.values()
        )

    def __rich__(self) -> RenderableType:
        """Render the board with its legends."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
        # The one that gives way where there is too little room.
        table.add_column("request", overflow="ellipsis")
        for number in range(1, len(self.systems) + 1):
            table.add_column(str(number), justify="center", no_wrap=True)
        table.add_column("state", no_wrap=True)
        table.add_column("s", justify="right", no_wrap=True)
        for row in self.rows.values():
            cells = [cell(row.answers.get(system)) for system in self.systems]
            style = "green" if row.state == "answered" else ""
            seconds = f"{row.seconds:.1f}" if row.seconds is not None else ""
            label = Text(row.label, no_wrap=True, overflow="ellipsis")
            said = (row.outcome or row.state) if row.state == "answered" else row.state
            table.add_row(label, *cells, Text(said.replace("_", " "), style=style), seconds)
        names = [
            Text(f"{number:>2} {name}", style="dim", no_wrap=True)
            for number, name in enumerate(self.systems, 1)
        ]
        signs = [
            Text.assemble(cell(one), f" {one.replace('_', ' ')}", no_wrap=True) for one in _LEGEND
        ]
        legends = (Columns(one, padding=(0, 2), column_first=True) for one in (names, signs))
        return Group(table, "", *legends)
