"""A timeline in the terminal: facts and dates on one scale, and the arithmetic below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

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
    picture = _picture(facts, entries, ZoneInfo(document["zone"]))
    return Group(Text(title), picture, _reasons(entries))


def _picture(
    facts: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]], zone: ZoneInfo
) -> Table:
    rows = [(_moment(one, zone), one["kind"], "bold", "●") for one in facts]
    rows += [(_moment(one, zone), one["name"], "cyan", "◆") for one in entries if one["at"]]
    rows.sort(key=itemgetter(0))
    first, last = rows[0][0], rows[-1][0]
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(_COLUMNS):
        table.add_column(no_wrap=True)
    for moment, name, style, mark in rows:
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


def _moment(one: Mapping[str, Any], zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(one["at"]).astimezone(zone)


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
