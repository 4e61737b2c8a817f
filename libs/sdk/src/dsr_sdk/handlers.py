"""Handlers: a subscribing team's own functions, and how they are asked.

An exception never leaves here: it becomes the answer's place, so that one request's fault stays its
own.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from dsr_core.rights import Right
from dsr_sdk.answers import Answer
from dsr_sdk.requests import SystemRequest

__all__ = ["Answered", "Asker", "Handler", "UnfitAnswer"]

Result = Answer | Exception
Answered = Callable[[SystemRequest, Result], None]
"""Takes each result as it comes, in any order, from any thread."""


class UnfitAnswer(Exception):  # noqa: N818 - named for what has happened
    """A handler returned something that is not an answer; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Handler:
    """One registered function."""

    right: Right
    function: Callable[[Any], Any]
    is_batch: bool

    @property
    def is_async(self) -> bool:
        """Whether the function runs in the event loop; otherwise in a thread."""
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(
            getattr(self.function, "__call__", None)  # noqa: B004 - an object with async __call__
        )


class Asker:
    """Asks handlers: single ones concurrently up to a bound, batch ones one batch at a time."""

    def __init__(self, *, concurrency: int, batch_size: int) -> None:
        self._concurrency = concurrency
        self._batch_size = batch_size
        self._threads: ThreadPoolExecutor | None = None
        self._running: set[Future[Any]] = set()

    @property
    def has_busy_threads(self) -> bool:
        """Whether a plain function is still running in a thread."""
        return bool(self._running)

    async def ask(
        self, handler: Handler, requests: Sequence[SystemRequest], answered: Answered
    ) -> None:
        """Ask for every request; return when each has had its result."""
        if handler.is_batch:
            await self._ask_in_batches(handler, requests, answered)
            return
        pending = iter(requests)
        workers = min(self._concurrency, len(requests))
        if handler.is_async:
            asking = [_ask_each(handler.function, pending, answered) for _ in range(workers)]
        else:
            stop = _Stop()
            asking = [
                self._in_thread(stop, _ask_each_plainly, handler.function, pending, answered, stop)
                for _ in range(workers)
            ]
        if len(asking) == 1:
            await asking[0]
            return
        async with asyncio.TaskGroup() as group:
            for one in asking:
                group.create_task(one)

    def close(self) -> None:
        """Let the threads go, without waiting for what still runs in them."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _ask_in_batches(
        self, handler: Handler, requests: Sequence[SystemRequest], answered: Answered
    ) -> None:
        for start in range(0, len(requests), self._batch_size):
            batch = requests[start : start + self._batch_size]
            try:
                if handler.is_async:
                    answers = await handler.function(batch)
                else:
                    answers = await self._in_thread(_Stop(), handler.function, batch)
            except Exception as error:  # noqa: BLE001 - a handler may raise anything; see the module
                for request in batch:
                    answered(request, error)
            else:
                for request, result in _paired(batch, answers):
                    answered(request, result)

    async def _in_thread(self, stop: _Stop, function: Callable[..., Any], *arguments: Any) -> Any:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._concurrency, thread_name_prefix="dsr-handler")
        running = self._threads.submit(function, *arguments)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        try:
            return await asyncio.wrap_future(running)
        finally:
            stop.requested = True


class _Stop:
    """Tells threads that nobody waits for further results."""

    requested = False


async def _ask_each(
    function: Callable[[Any], Awaitable[Any]], pending: Iterator[SystemRequest], answered: Answered
) -> None:
    for request in pending:
        try:
            result = _checked(await function(request))
        except Exception as error:  # noqa: BLE001 - a handler may raise anything; see the module
            result = error
        answered(request, result)


def _ask_each_plainly(
    function: Callable[[Any], Any],
    pending: Iterator[SystemRequest],
    answered: Answered,
    stop: _Stop,
) -> None:
    for request in pending:
        try:
            result = _checked(function(request))
        except Exception as error:  # noqa: BLE001 - a handler may raise anything; see the module
            result = error
        answered(request, result)
        if stop.requested:
            return


def _paired(
    batch: Sequence[SystemRequest], answers: object
) -> Iterator[tuple[SystemRequest, Result]]:
    if isinstance(answers, Mapping):
        missing = UnfitAnswer("the batch handler's mapping lacks a request")
        for request in batch:
            yield request, _checked(answers.get(request.request_id, missing))
    elif isinstance(answers, Sequence) and len(answers) == len(batch):
        for request, answer in zip(batch, answers, strict=True):
            yield request, _checked(answer)
    else:
        unfit = UnfitAnswer("a batch handler returns one answer a request, in the same order")
        for request in batch:
            yield request, unfit


def _checked(result: object) -> Result:
    if isinstance(result, Answer | UnfitAnswer):
        return result
    return UnfitAnswer(f"a handler returns an answer, not {type(result).__name__}")
