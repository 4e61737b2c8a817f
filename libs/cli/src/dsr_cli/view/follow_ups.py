"""What follows a closed request, in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

__all__ = ["follow_ups_view"]


def follow_ups_view(follow_ups: Iterable[Mapping[str, Any]]) -> Table:
    """Return what follows a request: why, how far it is, and what was found."""
    table = Table("followed by", "why", "state", "systems", "what was found")
    for one in follow_ups:
        looks = "\n".join(_look(look) for look in one["looks"])
        why = str(one["why"] or "").replace("_", " ")
        state = str(one["state"]).replace("_", " ")
        table.add_row(one["id"], why, state, ", ".join(one["system_ids"]) or "all", looks)
    return table


def _look(look: Mapping[str, Any]) -> str:
    found = f"{look['records']} records were back" if look["is_back"] else "still gone"
    return f"{look['at'][:16].replace('T', ' ')} {look['system_id']}: {found}"
