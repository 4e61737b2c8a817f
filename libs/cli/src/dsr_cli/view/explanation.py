"""Why a request is still open, in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["explanation_view"]


def explanation_view(document: Mapping[str, Any]) -> RenderableType:
    """Return what the API says of a request's blockers."""
    blockers, next_date = document["blockers"], document["next_date"]
    if not blockers:
        return Text("nothing keeps it open: the requester has the answer", style="green")
    table = Table("what", "who can change it", "since", "next, by itself")
    for one in blockers:
        owner = (
            f"{one['owner']}\n{one['contact']}" if one["owner"] else "nobody: it comes by itself"
        )
        upcoming = one["next"]
        coming = f"{_minute(upcoming['at'])}\n{upcoming['what']}" if upcoming else ""
        table.add_row(one["what"], owner, _minute(one["since"]), coming)
    risk = document.get("at_risk")
    if risk:
        upcoming = risk["next"]
        coming = f"{_minute(upcoming['at'])}\n{upcoming['what']}" if upcoming else ""
        until = f" (until {_minute(risk['by'])})" if risk["by"] else ""
        owner = f"{risk['owner']}\n{risk['contact'] or ''}"
        table.add_row(f"{risk['what']}{until}", owner, _minute(risk["since"]), coming)
    date = (
        f"next legal date: {next_date['at'][:10]} {next_date['name'].replace('_', ' ')}, "
        f"{next_date['rule']}"
        if next_date
        else "every legal date has passed"
    )
    return Group(table, Text(date, style="yellow" if next_date else "red"))


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")
