"""Hints that something has changed, as server-sent events: a page that hears one reads itself again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from dsr_core.errors import Unavailable
from dsr_intake.application.events import Listener
from dsr_intake.http.console.frame import COOKIE, HEADERS, Frame, Visit

__all__ = ["add"]

_HEARTBEAT_S = 15.0
_TOGETHER_S = 0.3
_NAMED = 100
"""Requests that one hint names at most; none are named where there were more."""


def add(routes: APIRouter, frame: Frame) -> None:
    """Add the stream."""

    async def follow(visit: Visit) -> Response:
        listener = await frame.context.events.listen(visit.who.sight)
        headers = {**HEADERS, "X-Accel-Buffering": "no"}
        return StreamingResponse(
            _told(frame, visit, listener), media_type="text/event-stream", headers=headers
        )

    frame.add(routes, "/events", follow)


async def _told(frame: Frame, visit: Visit, listener: Listener) -> AsyncIterator[bytes]:
    """Yield hints until the session is over, the service stops, or the listener is too slow."""
    cookie = visit.request.cookies.get(COOKIE, "")
    try:
        yield b"retry: 2000\n\nevent: here\ndata: {}\n\n"
        is_over = False
        while not is_over:
            changed, is_over = await _changed(listener)
            if await frame.sessions.whose(cookie) is None:
                return
            yield _hint(changed) if changed else b": still here\n\n"
    except Unavailable:
        return  # the answer has begun: the page comes again
    finally:
        frame.context.events.leave(listener)


def _hint(changed: set[str]) -> bytes:
    is_named = len(changed) <= _NAMED and "" not in changed
    said = {"requests": sorted(changed) if is_named else None}
    return b"event: changed\ndata: " + orjson.dumps(said) + b"\n\n"


async def _changed(listener: Listener) -> tuple[set[str], bool]:
    """Return the requests that have changed, what comes together told together; and whether it ends."""
    found: set[str] = set()
    try:
        event = await asyncio.wait_for(listener.queue.get(), _HEARTBEAT_S)
    except TimeoutError:
        return found, False
    await asyncio.sleep(_TOGETHER_S)
    while event is not None:
        found.add(event.request_id)
        if listener.queue.empty():
            return found, False
        event = listener.queue.get_nowait()
    return found, True
