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

_ENDED = ("closed", "answered")
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
    if request.get("follows"):
        why = str(request["follows_why"]).replace("_", " ")
        facts.add_row("follows", f"{request['follows']} ({why})")
    if closure:
        facts.add_row("closed at", str(closure["closed_at"]))
        facts.add_row("evidence", str(closure["evidence_digest"]))
    owed = Padding(_obligations(obligations), (1, 0))
    told = [letters_view(letters)] if letters else []
    return Group(facts, owed, *told, *_breaches(obligations), _missing(request, obligations))


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
            f"{answer}{_aside(one)}",
            str(one["records"]) if one["records"] else "",
            grounds or one.get("reason") or "",
        )
    return table


def _aside(one: dict[str, Any]) -> str:
    if one.get("contradicts_closure"):
        return " (contradicted since the closing)"
    if one.get("is_contradicted"):
        return " (contradicted)"
    if by := one.get("settled_by"):
        return f" (settled by {by['proposed_by']} and {by['approved_by']})"
    if before := [each["system_id"] for each in one.get("answers_for", ())]:
        since = "" if one["is_confirmed"] else ", and is asked again"
        return f" (for {', '.join(before)} as well{since})"
    return " (held)" if _is_held(one) else ""


def _is_held(one: dict[str, Any]) -> bool:
    return bool(one.get("is_held")) and not one["is_confirmed"]


def _breaches(obligations: dict[str, Any]) -> list[Text]:
    systems = sorted({one["system_id"] for one in obligations.get("breaches", ())})
    told = f"erased under a legal hold by {', '.join(systems)}"
    return [Text(told, style="red")] if systems else []


def _missing(request: dict[str, Any], obligations: dict[str, Any]) -> Text:
    listed = obligations.get("obligations", ())
    against = [one["system_id"] for one in listed if one.get("contradicts_closure")]
    if against:
        return Text(f"closed, and contradicted since by {', '.join(against)}", style="red")
    if not listed:
        is_open = request.get("state") == "open"
        told = "the obligations are being opened" if is_open else "no system has been asked"
        return Text(told, style="yellow")
    held = [one["system_id"] for one in listed if _is_held(one)]
    waited = [
        one["system_id"] for one in listed if not (one["is_confirmed"] or one["system_id"] in held)
    ]
    if not (waited or held):
        return Text(f"all {len(listed)} systems have confirmed", style="green")
    if request.get("state") in _ENDED:
        return Text(f"ended without an answer by {', '.join([*waited, *held])}", style="yellow")
    parts = [("waiting for", waited), ("held in", held)]
    told = "; ".join(f"{what} {', '.join(systems)}" for what, systems in parts if systems)
    return Text(told, style="yellow")
