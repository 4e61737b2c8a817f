"""Handlers: a subscribing team's own functions, and how they are asked.

An exception never leaves here: it becomes the answer's place, so that one request's fault stays its
own. A batch that raises is asked again in halves for the same reason.
"""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from dsr_core.rights import Right
from dsr_sdk.answers import Answer
from dsr_sdk.requests import SystemRequest
from dsr_sdk.threads import Threads

__all__ = ["Answered", "Asker", "Handler", "HandlerCancelled", "Looking", "UnfitAnswer"]

Result = Answer | Exception
Answered = Callable[[SystemRequest, Result], None]
"""Takes each result as it comes, in any order, from any thread."""

IsSettled = Callable[[SystemRequest], bool]
"""Tells whether a request has been answered by another way than its handler's return."""


class UnfitAnswer(Exception):  # noqa: N818 - named for what has happened
    """A handler returned something that is not an answer; the text says what was expected."""


class HandlerCancelled(Exception):  # noqa: N818 - named for what has happened
    """A cancellation came out of a handler that nobody had cancelled."""


@dataclass(frozen=True, slots=True)
class Handler:
    """One registered function."""

    right: Right
    function: Callable[[Any], Any]
    is_batch: bool

    @property
    def is_async(self) -> bool:
        """Whether the function runs in the event loop; otherwise in a thread."""
        return any(map(inspect.iscoroutinefunction, self._called))

    @property
    def is_streaming(self) -> bool:
        """Whether the function yields what it hands over, and its answer at the end."""
        return any(
            inspect.isasyncgenfunction(one) or inspect.isgeneratorfunction(one)
            for one in self._called
        )

    @property
    def _called(self) -> tuple[Any, ...]:
        return self.function, getattr(self.function, "__call__", None)  # noqa: B004 - an object may have one


@dataclass(frozen=True, slots=True)
class Looking:
    """How a system looks again whether what it erased is gone."""

    handler: Handler
    after: timedelta
    """How long after the erasure, at the earliest."""


class Asker:
    """Asks handlers: single ones concurrently up to a bound, batch ones one batch at a time."""

    def __init__(self, *, concurrency: int, batch_size: int) -> None:
        self._concurrency = concurrency
        self._batch_size = batch_size
        self._threads = Threads(concurrency, "dsr-handler")

    @property
    def has_busy_threads(self) -> bool:
        """Whether a plain function is still running in a thread."""
        return self._threads.are_busy

    async def ask(
        self,
        handler: Handler,
        requests: Sequence[SystemRequest],
        answered: Answered,
        is_settled: IsSettled,
    ) -> None:
        """Ask for every request; return when each has had its result, or is settled without."""
        if handler.is_batch:
            await self._ask_in_batches(handler, requests, answered, is_settled)
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
        self._threads.close()

    async def _ask_in_batches(
        self,
        handler: Handler,
        requests: Sequence[SystemRequest],
        answered: Answered,
        is_settled: IsSettled,
    ) -> None:
        async def call(batch: Sequence[SystemRequest]) -> object:
            if handler.is_async:
                return await _unless_cancelled(handler.function(batch))
            return await _unless_cancelled(self._in_thread(_Stop(), handler.function, batch))

        for start in range(0, len(requests), self._batch_size):
            batch = requests[start : start + self._batch_size]
            await _Halving(call, answered, is_settled, len(batch)).ask(batch)

    async def _in_thread(self, stop: _Stop, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return await self._threads.run(function, *arguments)
        finally:
            stop.requested = True


class _Stop:
    """Tells threads that nobody waits for further results."""

    requested = False


class _Halving:
    """Asks for one batch; where that raises, for its halves, down to the requests at fault.

    Only a request that raised alone is at fault, and its neighbours have their answers at once. The
    halves say `may_be_repeat`, since the batch's effect may stand.

    A batch may raise twice as often as it is halved on the way down to one request, and each part
    that answers allows for as much again. With that used up it is rather the world that is down, so
    what is left is not asked now and has the exception of the last part that it was in. Which
    requests come first is left to chance: then each retry may ask for any of them alone, and none
    that is sound stays behind those at fault for good.
    """

    def __init__(
        self,
        call: Callable[[Sequence[SystemRequest]], Awaitable[object]],
        answered: Answered,
        is_settled: IsSettled,
        size: int,
    ) -> None:
        self._call = call
        self._answered = answered
        self._is_settled = is_settled
        self._allowance = 2 * size.bit_length()
        self._left = self._allowance

    async def ask(self, batch: Sequence[SystemRequest]) -> None:
        """Ask for these requests; return when each has had its result, or is settled."""
        error = await self._error(batch)
        if error is None:
            return
        mixed = list(batch)
        random.shuffle(mixed)
        middle = len(mixed) // 2
        for half in (mixed[:middle], mixed[middle:]):
            again = [replace(one, may_be_repeat=True) for one in half if not self._is_settled(one)]
            if len(batch) == 1 or self._left <= 0:
                for request in again:
                    self._answered(request, error)
            elif again:
                await self.ask(again)

    async def _error(self, batch: Sequence[SystemRequest]) -> Exception | None:
        try:
            results = list(_paired(batch, await self._call(batch)))
        except Exception as error:  # noqa: BLE001 - a handler may raise anything; see the module
            self._left -= 1
            return error
        self._left += self._allowance
        for request, result in results:
            self._answered(request, result)
        return None


async def _unless_cancelled(handling: Coroutine[Any, Any, Any]) -> Any:
    """Return what a handler returns; pass a cancellation on only where it was meant for us.

    The handler runs as a task of its own, or one that cancels its own task would be taken for a
    subscriber that is being stopped: it would end, and its successor at the same notice again.
    """
    try:
        return await asyncio.create_task(handling)
    except asyncio.CancelledError as error:
        us = asyncio.current_task()
        if us is None or us.cancelling():
            raise
        raise _cancelled_within(error) from error


def _cancelled_within(error: asyncio.CancelledError) -> HandlerCancelled:
    """Return the fault, at the place that the cancellation came from."""
    return HandlerCancelled().with_traceback(error.__traceback__)


async def _ask_each(
    function: Callable[[Any], Coroutine[Any, Any, Any]],
    pending: Iterator[SystemRequest],
    answered: Answered,
) -> None:
    for request in pending:
        try:
            result = _checked(await _unless_cancelled(function(request)))
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
        except asyncio.CancelledError as error:  # a thread cannot be cancelled
            result = _cancelled_within(error)
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
        raise UnfitAnswer("a batch handler returns one answer a request, in the same order")


def _checked(result: object) -> Result:
    if isinstance(result, Answer | UnfitAnswer):
        return result
    return UnfitAnswer(f"a handler returns an answer, not {type(result).__name__}")
