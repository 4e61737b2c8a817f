"""A client of HTTP/1.1 that costs little, so that the driver takes nothing from what it measures.

It knows what intake answers, and no more: a status, a length or chunks, connections kept alive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from dsr_cli.errors import CommandError

__all__ = ["Answer", "Connection"]

_PIECE = 64 * 1024

_IDLE_S = 2.0
"""A connection that was idle for longer is opened anew: the server ends idle ones, at five seconds."""


class Answer(NamedTuple):
    """What a call was answered with."""

    status: int
    body: bytes


class Connection:
    """One connection to one server: one call at a time."""

    def __init__(
        self,
        host: str,
        port: int,
        head: bytes,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._host = host
        self._port = port
        self._head = head
        self._reader, self._writer = streams
        self._used_at = time.monotonic()

    @classmethod
    async def open(cls, url: str, headers: Mapping[str, str]) -> Self:
        """Connect.

        Args:
            url: The server; its path is not used.
            headers: Sent with every call.

        Raises:
            CommandError: Nobody listens there.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        try:
            streams = await asyncio.open_connection(host, port)
        except OSError as error:
            raise CommandError(f"nothing answers at {url}") from error
        lines = [f"Host: {host}:{port}", *(f"{name}: {value}" for name, value in headers.items())]
        return cls(host, port, "".join(f"{line}\r\n" for line in lines).encode(), streams)

    async def post(self, path: str, body: bytes, *headers: str) -> Answer:
        """Send one body and return the whole answer.

        Args:
            path: Where to.
            body: What.
            headers: Whole lines, for this call only.
        """
        if time.monotonic() - self._used_at > _IDLE_S:
            await self.close()
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        await self._send(path, body, headers)
        status, answer = await self._status()
        whole = b"".join([piece async for piece in answer])
        self._used_at = time.monotonic()
        return Answer(status, whole)

    async def post_lines(self, path: str, body: bytes, *headers: str) -> AsyncIterator[bytes]:
        """Send one body, and yield the lines of the answer while the rest is still on its way.

        Raises:
            CommandError: The answer is no success; says which.
        """
        sending = asyncio.create_task(self._send(path, body, headers))
        try:
            status, answer = await self._status()
            if status >= 400:
                detail = b"".join([piece async for piece in answer])[:300].decode(errors="replace")
                raise CommandError(f"intake answered {status}: {detail}")
            rest = b""
            async for piece in answer:
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    yield line
            if rest:
                yield rest
            await sending
        finally:
            sending.cancel()

    async def close(self) -> None:
        """Disconnect."""
        self._writer.close()
        await self._writer.wait_closed()

    async def _send(self, path: str, body: bytes, headers: tuple[str, ...]) -> None:
        extra = "".join(f"{line}\r\n" for line in headers)
        start = f"POST {path} HTTP/1.1\r\n{extra}Content-Length: {len(body)}\r\n"
        self._writer.write(start.encode() + self._head + b"\r\n" + body[:_PIECE])
        for begin in range(_PIECE, len(body), _PIECE):
            await self._writer.drain()
            self._writer.write(body[begin : begin + _PIECE])
        await self._writer.drain()

    async def _status(self) -> tuple[int, AsyncIterator[bytes]]:
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError) as error:
            raise CommandError("intake closed the connection before it answered") from error
        first, *lines = head[:-4].split(b"\r\n")
        fields = dict(line.lower().split(b":", 1) for line in lines)
        status = int(first.split(b" ", 2)[1])
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            return status, self._chunks()
        return status, self._whole(int(fields.get(b"content-length", b"0")))

    async def _whole(self, length: int) -> AsyncIterator[bytes]:
        yield await self._reader.readexactly(length)

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            length = int(await self._reader.readuntil(b"\r\n"), 16)
            piece = await self._reader.readexactly(length + 2)
            if length == 0:
                return
            yield piece[:-2]
