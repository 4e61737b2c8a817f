"""The letters about a request, in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

__all__ = ["letters_view"]

_STYLES = {"waiting": "yellow", "sent": "green", "bounced": "red", "given_up": "red"}


def letters_view(letters: Iterable[Mapping[str, Any]]) -> Table:
    """Return how letters stand, a row each."""
    table = Table("letter", "state", "tries", "since", "why", box=SIMPLE_HEAD, pad_edge=False)
    for one in letters:
        table.add_row(
            one["kind"].replace("_", " "),
            Text(one["state"].replace("_", " "), style=_STYLES[one["state"]]),
            str(one["tries"]),
            (one["settled_at"] or one["waiting_since"])[:16].replace("T", " "),
            one["reason"] or "",
        )
    return table
