"""`dsr show`: one subject request in full."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer

from dsr_cli.api.client import IntakeClient
from dsr_cli.connection import api_connection
from dsr_cli.view.console import new_console
from dsr_cli.view.follow_ups import follow_ups_view
from dsr_cli.view.request import request_view


def command(
    request_id: Annotated[str, typer.Argument(help="The id that `submit` gave")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Show one subject request: its dates, who has answered what, and who is missing."""
    request, obligations, closure, letters, follow_ups = asyncio.run(_fetch(request_id))
    if as_json:
        content = {
            "request": request,
            "obligations": obligations,
            "closure": closure,
            "letters": letters["letters"],
            "follow_ups": follow_ups["follow_ups"],
        }
        typer.echo(json.dumps(content, indent=2))
        return
    console = new_console()
    console.print(request_view(request, obligations, closure, letters["letters"]))
    if follow_ups["follow_ups"]:
        console.print(follow_ups_view(follow_ups["follow_ups"]))


async def _fetch(
    request_id: str,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None, dict[str, Any], dict[str, Any]]:
    async with IntakeClient(*api_connection()) as client:
        return (
            await client.show(request_id),
            await client.obligations(request_id),
            await client.closure(request_id),
            await client.letters(request_id),
            await client.follow_ups(request_id),
        )
