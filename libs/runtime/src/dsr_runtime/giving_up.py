"""Work that is given up when the process stops, since nobody needs what it would have brought."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

__all__ = ["unless"]


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Return when the work is done, or was given up since `stopping` is set; raises what it raises."""
    doing = asyncio.ensure_future(work)
    told = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait([doing, told], return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
        if not doing.done():
            doing.cancel()
    with suppress(asyncio.CancelledError):
        await doing
