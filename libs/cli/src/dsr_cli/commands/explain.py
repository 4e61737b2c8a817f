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


def command(
    request_id: Annotated[str, typer.Argument(help="The id that `submit` gave")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Say what keeps a request open, who owns each part, and what comes next by itself."""
    document = asyncio.run(_fetch(request_id))
    if as_json:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    new_console().print(explanation_view(document))


async def _fetch(request_id: str) -> dict[str, Any]:
    async with IntakeClient(*api_connection()) as client:
        return await client.blockers(request_id)
