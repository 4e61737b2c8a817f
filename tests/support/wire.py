"""A TCP wire to a server, that a test can cut: the part is away, though it runs for others."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

__all__ = ["Wire"]


class Wire:
    """A wire to a server; cut, it refuses to connect and has dropped what was connected."""

    def __init__(
        self, host: str, port: int, *, is_cut: bool = False, cut_by: bytes | None = None
    ) -> None:
        """Lay a wire.

        Args:
            host: Where the server is.
            port: Its port.
            is_cut: Whether it begins as cut.
            cut_by: What a client sends that cuts it, once, before the server sees it.
        """
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._cut_by = cut_by
        self.is_cut = is_cut
        self.has_been_cut = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Drop every connection, and refuse new ones."""
        self.is_cut = True
        self.has_been_cut.set()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def mend(self) -> None:
        """Let connections through again."""
        self.is_cut = False

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}
        for source, sink, cut_by in ((reader, back, self._cut_by), (there, writer, None)):
            task = asyncio.create_task(self._copy(source, sink, cut_by))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, cut_by: bytes | None
    ) -> None:
        try:
            while data := await source.read(65536):
                if cut_by is not None and cut_by in data and not self.has_been_cut.is_set():
                    self.cut()
                    return
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()
