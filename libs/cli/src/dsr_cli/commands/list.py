"""`dsr list`: the subject requests of this API client."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from dsr_cli.api.client import IntakeClient
from dsr_cli.connection import api_connection
from dsr_cli.view.console import new_console


def command(
    *,
    state: Annotated[str | None, typer.Option(help="open, closed or answered")] = None,
    right: Annotated[str | None, typer.Option(help="deletion, access, …")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="ISO 3166")] = None,
    received_after: Annotated[
        str | None, typer.Option(metavar="TIME", help="RFC 3339, for example 2026-03-01T00:00:00Z")
    ] = None,
    received_before: Annotated[
        str | None, typer.Option(metavar="TIME", help="As --received-after")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at most")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """List subject requests, newest first."""
    given = {
        "state": state,
        "right": right,
        "jurisdiction": jurisdiction,
        "received_after": received_after,
        "received_before": received_before,
        "cursor": cursor,
    }
    filters: dict[str, str | int] = {name: text for name, text in given.items() if text}
    page = asyncio.run(_fetch({**filters, "limit": limit}))
    if as_json:
        typer.echo(json.dumps(page, indent=2))
        return
    # No wider than a terminal of 80: the id, which the other commands take, must stay whole.
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("request", no_wrap=True)
    for heading in ("asked", "state", "received", "due"):
        table.add_column(heading)
    for one in page["items"]:
        outcome = (one.get("outcome") or "").replace("_", " ")
        table.add_row(
            one["id"],
            f"{one['right']} {one['jurisdiction']}",
            f"{one['state']} {outcome}".strip(),
            str(one["received_at"])[:16].replace("T", " "),
            str(one["due_at"])[:10],
        )
    console = new_console()
    console.print(table)
    if page.get("next_cursor"):
        console.print(f"more: dsr list --cursor {page['next_cursor']}", soft_wrap=True)


async def _fetch(filters: dict[str, str | int]) -> dict[str, Any]:
    async with IntakeClient(*api_connection()) as client:
        return await client.list(**filters)
