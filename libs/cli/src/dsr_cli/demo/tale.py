"""What is seen while requests live through their time: a row each, with its date, state and last event."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["Happening", "Line", "Tale"]

_ENDED = "answered"
_STYLES = {
    "open": "cyan",
    "awaiting_identity": "yellow",
    "awaiting_clarification": "yellow",
    "on_hold": "magenta",
    "stopping": "magenta",
    "answered": "green",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a request, so many seconds into the tale."""

    second: float
    text: str


@dataclass(slots=True)
class Line:
    """One request's tale."""

    title: str
    jurisdiction: str
    expected: str
    """The outcome that it is to end with."""

    request_id: str = ""
    regime: str = ""
    state: str = ""
    outcome: str = ""
    due_at: datetime | None = None
    was_late: bool = False
    """Whether it has been told that the legal date had passed."""

    happenings: list[Happening] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        """Whether the requester has the answer."""
        return self.state == _ENDED

    @property
    def is_late(self) -> bool:
        """Whether its legal date has passed, as things stand now."""
        return self.due_at is not None and not self.has_ended and datetime.now(UTC) > self.due_at


class Tale:
    """The requests of a tale; rendering shows what is known now."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._began = datetime.now(UTC)

    def begin(self) -> None:
        """Count seconds from now on."""
        self._began = datetime.now(UTC)

    @property
    def seconds(self) -> float:
        """How many have passed."""
        return (datetime.now(UTC) - self._began).total_seconds()

    def tell(self, line: Line, text: str) -> None:
        """Note that something happened to a request now."""
        line.happenings.append(Happening(self.seconds, text))

    def __rich__(self) -> RenderableType:
        """Render the table of what is known."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("request", no_wrap=True)
        table.add_column("law", no_wrap=True)
        table.add_column("state", no_wrap=True)
        table.add_column("due in", justify="right", no_wrap=True)
        table.add_column("what happened last", overflow="fold")
        for line in self.lines:
            state = line.outcome if line.has_ended else line.state
            last = line.happenings[-1] if line.happenings else None
            table.add_row(
                line.title,
                f"{line.regime} {line.jurisdiction}",
                Text(state.replace("_", " "), style=_STYLES.get(line.state, "")),
                _due(line),
                f"{last.second:.0f} s: {last.text}" if last else "",
            )
        return Group(table, Text(f"{self.seconds:.0f} s: a day is a second", style="dim"))

    def history(self) -> RenderableType:
        """Render everything that happened, a request after the other."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("request", no_wrap=True)
        table.add_column("day", justify="right")
        table.add_column("what happened", overflow="fold")
        for line in self.lines:
            for number, one in enumerate(line.happenings):
                title = "" if number else f"{line.title} ({line.jurisdiction})"
                table.add_row(title, f"{one.second:.0f}", one.text)
            table.add_section()
        return table


def _due(line: Line) -> Text:
    if line.due_at is None or line.has_ended:
        return Text("")
    left = (line.due_at - datetime.now(UTC)).total_seconds()
    return Text(f"{left:.0f} s", style="red" if left < 0 else "")
