"""`dsr watch`: subject requests as they fill with answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.live import Live

from dsr_cli.api.client import OPENED, IntakeClient
from dsr_cli.connection import api_connection
from dsr_cli.view.board import Board
from dsr_cli.view.console import new_console
from dsr_cli.view.follow import follow

_ROWS = 20


def command(
    request_ids: Annotated[
        list[str] | None, typer.Argument(help="Which; else the newest open ones")
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One event a line, as it comes; no board")
    ] = False,
) -> None:
    """Watch requests until every one is answered: a row a request, a cell a system."""
    if as_json:
        asyncio.run(_print_events(request_ids or [None]))
    else:
        asyncio.run(_watch(request_ids))


async def _watch(request_ids: list[str] | None) -> None:
    async with IntakeClient(*api_connection()) as client:
        if not request_ids:
            page = await client.list(state="open", limit=_ROWS)
            request_ids = [one["id"] for one in page["items"]]
        if not request_ids:
            new_console().print("no open requests; `dsr submit` makes one")
            return
        request_ids = list(dict.fromkeys(request_ids))
        board = Board((), expected=len(request_ids))  # columns come with what is owed
        for request_id in request_ids:
            board.add(request_id, request_id)
        with Live(board, refresh_per_second=8, console=new_console()):
            await follow(client, board)


async def _print_events(request_ids: Sequence[str | None]) -> None:
    """Print the events of each request until it is answered, or of all of the client's."""
    async with IntakeClient(*api_connection()) as client:

        async def print_events(request_id: str | None) -> None:
            async for event in client.events(request_id):
                if event.kind != OPENED:
                    typer.echo(json.dumps({"id": event.id, "event": event.kind, **event.data}))

        await asyncio.gather(*map(print_events, dict.fromkeys(request_ids)))
