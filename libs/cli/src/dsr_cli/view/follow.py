"""Following: intake's events onto the board, until every request on it is answered."""

from __future__ import annotations

import asyncio

from dsr_cli.api.client import ApiError, Event, IntakeClient
from dsr_cli.view.board import Board

__all__ = ["apply", "follow"]

_RECONNECT_S = 1.0


def apply(board: Board, event: Event) -> None:
    """Note one event on the board."""
    request_id = event.data.get("request_id", "")
    system_id = event.data.get("system_id")
    if system_id:
        board.answer(request_id, system_id, event.data.get("disposition"))
    elif event.data.get("state"):
        board.move(request_id, event.data["state"])


async def follow(client: IntakeClient, board: Board, request_id: str | None = None) -> None:
    """Keep the board up to date until it is done, reconnecting where the stream broke off."""
    last: str | None = None
    while not board.is_done:
        try:
            async for event in client.events(request_id, last_event_id=last):
                last = event.id or last
                apply(board, event)
                if board.is_done:
                    return
        except ApiError as error:
            if error.status is not None:
                raise
        await asyncio.sleep(_RECONNECT_S)


async def catch_up(client: IntakeClient, board: Board, request_id: str) -> None:
    """Bring one row of the board to where the request stands now."""
    request = await client.show(request_id)
    obligations = await client.obligations(request_id)
    for one in obligations.get("obligations", ()):
        board.answer(request_id, one["system_id"], one["disposition"])
    board.move(request_id, request["state"])
