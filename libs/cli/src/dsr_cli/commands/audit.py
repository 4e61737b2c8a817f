"""`dsr audit`: what people changed, from the log that is only added to."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import OFFICER, internal_connection
from dsr_cli.view.console import new_console

app = typer.Typer(no_args_is_help=True, help="The audit log: list, show")

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]


@app.command("list")
def list_(
    *,
    principal: Annotated[str | None, typer.Option(help="Only what this principal did")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, for example hold.place")] = None,
    target: Annotated[str | None, typer.Option(help="Only what was done to this id")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only since then, with an offset: 2026-03-02T09:30:00Z")
    ] = None,
    before: Annotated[str | None, typer.Option(help="Only older than this entry")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: _Json = False,
) -> None:
    """List what people changed, the newest first: who, what, to what, and why."""
    query = {
        "principal": principal,
        "action": action,
        "target": target,
        "since": since,
        "before": before,
        "limit": limit,
    }
    found = _api().audit(query)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    table = Table("entry", "at", "who", "what", "to", "why")
    for one in found:
        table.add_row(
            one["id"],
            one["at"][:19],
            f"{one['principal']} ({one['role']})",
            one["action"] + ("" if one["outcome"] == "done" else f", {one['outcome']}"),
            "\n".join(one["targets"][:3]),
            one["reason"],
        )
    new_console().print(table)


@app.command()
def show(
    entry_id: Annotated[str, typer.Argument(help="As `list` shows it")], *, as_json: _Json = False
) -> None:
    """Show one entry, with the digest that the evidence log holds of it."""
    found: dict[str, Any] = _api().audit_entry(entry_id)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    table = Table(show_header=False)
    for name, value in found.items():
        table.add_row(name, "\n".join(value) if isinstance(value, list) else str(value))
    new_console().print(table)


def _api() -> InternalApi:
    return InternalApi(internal_connection(OFFICER))
