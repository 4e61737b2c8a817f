"""Threads for work that must not keep the event loop, and that nobody can end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["Threads"]

T = TypeVar("T")


class Threads:
    """A bounded pool of threads, made when it is first needed."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._running: set[Future[Any]] = set()

    @property
    def are_busy(self) -> bool:
        """Whether something still runs, or waits to."""
        return bool(self._running)

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a function returns. Who is cancelled leaves it running."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._size, thread_name_prefix=self._name)
        running = self._pool.submit(function, *arguments)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(running)

    def close(self) -> None:
        """Let the threads go, without waiting for what still runs in them."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
