"""Waiting for a condition, with a deadline; never for a time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast, overload

T = TypeVar("T")


@overload
async def eventually(
    condition: Callable[[], Awaitable[T]], *, within: float = 15.0, what: str = "the condition"
) -> T: ...


@overload
async def eventually(
    condition: Callable[[], T], *, within: float = 15.0, what: str = "the condition"
) -> T: ...


async def eventually(
    condition: Callable[[], T | Awaitable[T]], *, within: float = 15.0, what: str = "the condition"
) -> T:
    """Return the condition's first truthy value.

    Raises:
        AssertionError: It had none within the deadline; the text has the last value.
    """
    deadline = time.monotonic() + within
    while True:
        result = condition()
        value = cast("T", await result if inspect.isawaitable(result) else result)
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within} s; last: {value!r}")
        await asyncio.sleep(0.02)
