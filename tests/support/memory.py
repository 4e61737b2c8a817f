"""The memory of another process, watched while it works."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import psutil

__all__ = ["Watch"]

_EVERY_S = 0.02


class Watch:
    """Reads a process's resident memory again and again, and keeps the highest reading."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.first = self.peak = self._process.memory_info().rss

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reading.cancel()
        await asyncio.wait([self._reading])
        self.peak = max(self.peak, self._process.memory_info().rss)

    @property
    def growth(self) -> int:
        """Bytes that the highest reading lies above the first."""
        return self.peak - self.first

    async def _read(self) -> None:
        while True:
            self.peak = max(self.peak, self._process.memory_info().rss)
            await asyncio.sleep(_EVERY_S)
