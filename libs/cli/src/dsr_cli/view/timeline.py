"""A timeline in the terminal: facts and dates on one scale, and the arithmetic below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ["timeline_view"]

_WIDTH = 28
"""Of the longest line: with the longest name, and four digits of days, 80 columns are full."""
_STEP = "─"
_COLUMNS = 4


def timeline_view(document: Mapping[str, Any]) -> RenderableType:
    """Return the picture of a timeline, as the API gives one."""
    facts, entries = document["facts"], document["entries"]
    title = (
        f"{document['right']} in {document['jurisdiction']}, by {document['regime']}: "
        f"{document['regime_why']}; days of {document['zone']}"
    )
    return Group(Text(title), _picture(facts, entries), _reasons(entries))


def _picture(facts: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]) -> Table:
    moments = [datetime.fromisoformat(one["at"]) for one in (*facts, *entries) if one["at"]]
    first, last = min(moments), max(moments)
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(_COLUMNS):
        table.add_column(no_wrap=True)
    rows = [(one["at"], one["kind"], "bold", "●") for one in facts]
    rows += [(one["at"], one["name"], "cyan", "◆") for one in entries if one["at"]]
    for at, name, style, mark in sorted(rows, key=lambda row: datetime.fromisoformat(row[0])):
        moment = datetime.fromisoformat(at)
        line = _STEP * _place(moment, first, last)
        days = (moment.date() - first.date()).days
        table.add_row(
            f"{moment:%Y-%m-%d %a}",
            Text(f"{line}{mark}", style=style),
            Text(name.replace("_", " "), style=style),
            f"day {days}" if days else "",
        )
    for one in entries:
        if not one["at"]:
            row = (Text("…", style="yellow"), Text(one["name"].replace("_", " "), style="yellow"))
            table.add_row("not yet known", *row, "")
    return table


def _place(moment: datetime, first: datetime, last: datetime) -> int:
    span = (last - first).total_seconds()
    return round(_WIDTH * (moment - first).total_seconds() / span) if span else 0


def _reasons(entries: Sequence[Mapping[str, Any]]) -> Group:
    return Group(*(part for one in entries for part in _reason(one)))


def _reason(entry: Mapping[str, Any]) -> tuple[RenderableType, RenderableType]:
    day = entry["at"][:10] if entry["at"] else "not yet known"
    head = Text.assemble("\n", (entry["name"].replace("_", " "), "bold"), f"  {day}  ")
    head.append(entry["rule"], style="cyan")
    return head, Padding(Text(entry["why"]), (0, 0, 0, 2))
