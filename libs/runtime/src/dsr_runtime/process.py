"""The life of a service's process: signals, the tasks that it runs, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import structlog
import uvloop

from dsr_runtime.dumps import forbid_core_dumps

__all__ = ["Process", "Ready", "StartFault", "leave_out_of_collections", "run"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_DRAIN_TIMEOUT_S = 20.0
"""For all tasks together: whoever ends the process gives it a bounded time. Each has half of what is
left, so that one that hangs leaves some to those after it."""

_CLOSE_TIMEOUT_S = 5.0
"""For all closers together, after that; each has half of what is left, so that the next has some."""


class StartFault(Exception):  # noqa: N818 - what it is, not that it is an error
    """The process cannot start; the text is one line that says why and what to do."""


class Process:
    """What a service runs, and in which order it stops."""

    def __init__(
        self,
        *,
        drain_timeout_s: float = _DRAIN_TIMEOUT_S,
        close_timeout_s: float = _CLOSE_TIMEOUT_S,
    ) -> None:
        self._drain_timeout_s = drain_timeout_s
        self._close_timeout_s = close_timeout_s
        self._tasks: list[tuple[int, asyncio.Task[None], Callable[[], object]]] = []
        self._closers: list[Callable[[], Awaitable[object]]] = []
        self.stopping = asyncio.Event()

    def spawn(
        self, work: Coroutine[Any, Any, None], *, stop: Callable[[], object], turn: int = 0
    ) -> None:
        """Run work beside the rest; when it ends by itself or fails, the whole process stops.

        Args:
            work: What runs.
            stop: Asks it to end.
            turn: When it is asked: those of a lower turn first, and within a turn as spawned.
        """
        task = asyncio.create_task(work)
        self._tasks.append((turn, task, stop))
        task.add_done_callback(lambda _task: self.stopping.set())

    def on_close(self, closer: Callable[[], Awaitable[object]]) -> None:
        """Register what to close after all work has ended; the last registered is closed first."""
        self._closers.append(closer)

    async def wait(self) -> int:
        """Run until a signal or a fault; stop the work, each at its turn; return the exit code."""
        await self.stopping.wait()
        failed = False
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._drain_timeout_s
        for _, task, stop in sorted(self._tasks, key=lambda one: one[0]):
            stop()
            done, _ = await asyncio.wait([task], timeout=max(0.0, deadline - clock()) / 2)
            if not done:
                log.error("a task did not end in time and is cancelled")
                task.cancel()
                await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("a task failed", exc_info=error)
                failed = True
        deadline = clock() + self._close_timeout_s
        for close in reversed(self._closers):
            try:
                async with asyncio.timeout((deadline - clock()) / 2):
                    await close()
            except TimeoutError:
                log.exception("a part did not close in time")
                failed = True
            except Exception:
                log.exception("a part did not close")
                failed = True
        return 1 if failed else 0


class Ready:
    """Begins a part once, in the background, so that others need not wait for it."""

    def __init__(self, begin: Callable[[], Awaitable[None]]) -> None:
        self._begun: asyncio.Future[None] = asyncio.ensure_future(begin())

    async def wait(self) -> None:
        """Return when the part has begun; raises what it raised."""
        await asyncio.shield(self._begun)

    async def then(self, run: Callable[[], Awaitable[None]]) -> None:
        """Run work once the part has begun; return at once when it never will."""
        with suppress(asyncio.CancelledError):
            await self.wait()
            await run()

    def stopping(self, stop: Callable[[], object]) -> Callable[[], None]:
        """Return what asks such work to end, whether or not it waits for the part."""

        def both() -> None:
            self._begun.cancel()
            stop()

        return both

    async def close(self) -> None:
        """Give up beginning; safe to repeat."""
        self._begun.cancel()
        await asyncio.wait([self._begun])


def leave_out_of_collections() -> None:
    """Spare garbage collection what lives as long as the process.

    Modules and what start-up made are most of the objects, and are garbage only at the end.
    A micro-batch makes some ten thousand that live until its transaction is committed, which the
    standard threshold of 700 would look through many times. What lives on is little, so to look through
    all of it is cheap, and is done every million: a workflow that leaves the cache is a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 5)


def run(service: str, main: Callable[[Process], Awaitable[None]]) -> None:
    """Run a service until SIGTERM or SIGINT, then drain and leave; exit code 1 after a fault.

    Whatever becomes of it, it leaves no core dump.

    Args:
        service: The service's name, for the log.
        main: Builds and starts everything on the given process; returns when it runs.
    """

    async def live() -> int:
        process = Process()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, process.stopping.set)
        starting = asyncio.ensure_future(main(process))
        stopping = asyncio.create_task(process.stopping.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
        else:
            starting.result()
            leave_out_of_collections()
            log.info("started", service=service)
        code = await process.wait()
        stopping.cancel()
        log.info("stopped", service=service)
        return code

    forbid_core_dumps()
    try:
        code = uvloop.run(live())
    except StartFault as fault:
        sys.stderr.write(f"{service}: {fault}\n")
        code = 1
    sys.stderr.flush()
    # Threads of libraries must not hold the process up once everything is closed.
    os._exit(code)
