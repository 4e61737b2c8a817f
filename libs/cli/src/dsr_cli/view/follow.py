"""Following: intake's events onto the board, until every request on it is answered."""

from __future__ import annotations

from contextlib import aclosing

from dsr_cli.api.client import OPENED, RESET, ApiError, Event, IntakeClient
from dsr_cli.view.board import Board
from dsr_runtime.backoff import Backoff

__all__ = ["follow"]


async def follow(client: IntakeClient, board: Board) -> None:
    """Bring the board up to date, and keep it so until it is done.

    Every row is read once the stream is open, and again where the stream says that something was
    missed; events are noted after that, in their order. So nothing falls in between, and nothing
    older is written over what is newer.

    Raises:
        ApiError: Intake refuses, or cannot be reached in the first place.
    """
    async with aclosing(client.events()) as events:
        async for event in events:
            if event.kind in {OPENED, RESET}:
                await _read(client, board)
            else:
                _note(board, event)
            if board.is_done:
                return


def _note(board: Board, event: Event) -> None:
    request_id = event.data.get("request_id", "")
    system_id = event.data.get("system_id")
    if system_id:
        board.answer(request_id, system_id, event.data.get("disposition"))
    elif event.data.get("state"):
        board.move(request_id, event.data["state"], event.data.get("outcome"))


async def _read(client: IntakeClient, board: Board) -> None:
    """Bring every row to where its request stands now, however long intake is away."""
    for request_id in list(board.rows):
        backoff = Backoff()
        while not await _has_read(client, board, request_id):
            await backoff.wait()


async def _has_read(client: IntakeClient, board: Board, request_id: str) -> bool:
    try:
        # The state first: where it is the last one, so are the answers that are read after it.
        request = await client.show(request_id)
        obligations = await client.obligations(request_id)
    except ApiError as error:
        if not error.is_passing:
            raise
        return False
    for one in obligations.get("obligations", ()):
        board.answer(request_id, one["system_id"], one["disposition"])
    board.move(request_id, request["state"], request.get("outcome"))
    return True
