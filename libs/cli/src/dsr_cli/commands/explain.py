"""`dsr explain`: why a subject request is still open."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer

from dsr_cli.api.client import IntakeClient
from dsr_cli.connection import api_connection
from dsr_cli.view.console import new_console
from dsr_cli.view.explanation import explanation_view
from dsr_cli.view.follow_ups import follow_ups_view


def command(
    request_id: Annotated[str, typer.Argument(help="The id that `submit` gave")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Say what keeps a request open, who owns each part, and what comes next by itself.

    Of a closed one, say what follows it, and what systems found that looked again.
    """
    document, follow_ups = asyncio.run(_fetch(request_id))
    if as_json:
        content = {**document, "follow_ups": follow_ups}
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    console = new_console()
    console.print(explanation_view(document))
    if follow_ups:
        console.print(follow_ups_view(follow_ups))


async def _fetch(request_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    async with IntakeClient(*api_connection()) as client:
        document = await client.blockers(request_id)
        return document, (await client.follow_ups(request_id))["follow_ups"]
