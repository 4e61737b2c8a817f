"""One request in full: its dates, what each system answered, and who is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dsr_cli.view.board import cell
from dsr_cli.view.letters import letters_view

__all__ = ["request_view"]

_FACTS = (
    "id",
    "state",
    "outcome",
    "right",
    "jurisdiction",
    "received_at",
    "due_at",
    "duplicate_of",
    "related_to",
)


def request_view(
    request: dict[str, Any],
    obligations: dict[str, Any],
    closure: dict[str, Any] | None,
    letters: Sequence[dict[str, Any]] = (),
) -> RenderableType:
    """Return the whole picture of one request."""
    facts = Table(show_header=False, box=None, pad_edge=False)
    for name in _FACTS:
        if request.get(name):
            facts.add_row(name.replace("_", " "), str(request[name]))
    if closure:
        facts.add_row("closed at", str(closure["closed_at"]))
        facts.add_row("evidence", str(closure["evidence_digest"]))
    owed = Padding(_obligations(obligations), (1, 0))
    told = [letters_view(letters)] if letters else []
    return Group(facts, owed, *told, _missing(request, obligations))


def _obligations(obligations: dict[str, Any]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("", no_wrap=True)
    table.add_column("system", no_wrap=True)
    table.add_column("organisation", no_wrap=True)
    table.add_column("answer")
    table.add_column("records", justify="right")
    table.add_column("why")
    for one in obligations.get("obligations", ()):
        grounds = "; ".join(
            f"{exemption['ground']}, review {str(exemption['review_at'])[:10]}"
            for exemption in one.get("exemptions", ())
        )
        answer = (one["disposition"] or "no answer yet").replace("_", " ")
        table.add_row(
            cell(one["disposition"]),
            one["system_id"],
            one["organisation_id"],
            f"{answer}{_contradicted(one)}",
            str(one["records"]) if one["records"] else "",
            grounds or one.get("reason") or "",
        )
    return table


def _contradicted(one: dict[str, Any]) -> str:
    if one.get("contradicts_closure"):
        return " (contradicted since the closing)"
    return " (contradicted)" if one.get("is_contradicted") else ""


def _missing(request: dict[str, Any], obligations: dict[str, Any]) -> Text:
    listed = obligations.get("obligations", ())
    missing = [one["system_id"] for one in listed if not one["is_confirmed"]]
    against = [one["system_id"] for one in listed if one.get("contradicts_closure")]
    if against:
        return Text(f"closed, and contradicted since by {', '.join(against)}", style="red")
    if request.get("state") != "open":
        return Text(f"all {len(listed)} systems have confirmed", style="green")
    if not listed:
        return Text("the obligations are being opened", style="yellow")
    return Text(f"waiting for {', '.join(missing)}", style="yellow")
