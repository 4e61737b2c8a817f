"""A server that answers as intake's API does, by a script: streams that break off, and calls that fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CUT", "ScriptedIntake", "event", "scripted_intake"]

CUT = 0
"""In place of a status: the connection is closed without an answer."""

_EVENTS = "/events"


def event(kind: str, id_: str = "", **data: Any) -> str:
    """Return one event as it is on the wire."""
    place = f"id: {id_}\n" if id_ else ""
    return f"event: {kind}\n{place}data: {json.dumps(data)}\n\n"


@dataclass(slots=True)
class ScriptedIntake:
    """What it answers, call by call; the last answer to a path is repeated."""

    url: str = ""
    streams: list[str | int] = field(default_factory=list)
    """What each opened stream holds before it breaks off, or the status that it is refused with."""

    answers: dict[str, list[dict[str, Any] | int]] = field(default_factory=dict)
    """By the path's end, what each call is answered with, or the status that it is refused with."""

    resumed_from: list[str | None] = field(default_factory=list)
    """The `Last-Event-ID` of each stream."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one call, and close."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1].partition("?")[0]
        if path.endswith(_EVENTS):
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            self.resumed_from.append({k.lower(): v for k, v in fields.items()}.get("last-event-id"))
            answer: str | int = self.streams.pop(0)
        else:
            [end] = [one for one in self.answers if path.endswith(one)]
            found = self.answers[end]
            said = found.pop(0) if len(found) > 1 else found[0]
            answer = said if isinstance(said, int) else json.dumps(said)
        if answer != CUT:
            status, body = (answer, "{}") if isinstance(answer, int) else (200, answer)
            kind = "text/event-stream" if path.endswith(_EVENTS) else "application/json"
            writer.write(
                f"HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n{body}".encode()
            )
            await writer.drain()
        writer.close()


@asynccontextmanager
async def scripted_intake() -> AsyncIterator[ScriptedIntake]:
    """Run one; write its script before the first call."""
    intake = ScriptedIntake()
    async with await asyncio.start_server(intake.serve, "127.0.0.1", 0) as server:
        intake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield intake
