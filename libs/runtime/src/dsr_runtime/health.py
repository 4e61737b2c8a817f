"""Health: is the process alive, which of the parts that it needs are away, and what it says of itself."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from dsr_core.errors import Unavailable

__all__ = ["Health", "Seen"]

_CHECK_TIMEOUT_S = 2.0
_LOOK_TIMEOUT_S = 4.0
_LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """How a part was when it was looked at."""

    is_up: bool
    text: str
    """What it said of itself, or what is wrong."""


class Health:
    """A named check for each part that the process needs."""

    def __init__(self, **about: str) -> None:
        """Take what the report says of this process besides its version."""
        self._checks: dict[str, Callable[[], Awaitable[object]]] = {}
        self._looks: dict[str, Callable[[], Awaitable[str]]] = {}
        self._about = {
            "version": metadata.version("dsr-runtime"),
            "python": platform.python_version(),
            **about,
        }
        self._seen: dict[str, Seen] = {}
        self._seen_at = float("-inf")
        self._looking = asyncio.Lock()

    def watch(self, part: str, look: Callable[[], Awaitable[str]]) -> None:
        """Have the report look at a part without which the process is ready all the same.

        Args:
            part: Its name.
            look: Returns what it says of itself; raises where it is away or wrong.
        """
        self._looks[part] = look

    async def report(self) -> dict[str, Any]:
        """Return what the process is, what time it has, and how every part is.

        Parts are looked at every few seconds at most, however often this is asked.
        """
        async with self._looking:
            if time.monotonic() - self._seen_at >= _LOOK_EVERY_S:
                self._seen = await self._look()
                self._seen_at = time.monotonic()
        return {
            "about": self._about,
            "now": time.time(),
            "parts": {part: asdict(one) for part, one in self._seen.items()},
        }

    async def _look(self) -> dict[str, Seen]:
        names = list(self._looks)
        looking = asyncio.gather(*(self._looked_at(self._looks[name]) for name in names))
        faults, looked = await asyncio.gather(self.faults(), looking)
        needed = {part: Seen(part not in faults, faults.get(part, "")) for part in self._checks}
        return {**needed, **dict(zip(names, looked, strict=True))}

    async def _looked_at(self, look: Callable[[], Awaitable[str]]) -> Seen:
        try:
            return Seen(is_up=True, text=await asyncio.wait_for(look(), _LOOK_TIMEOUT_S))
        except TimeoutError:
            return Seen(is_up=False, text="no answer in time")
        except (
            RuntimeError,
            Unavailable,
        ) as error:  # this project's own words, without personal data
            return Seen(is_up=False, text=str(error))
        except Exception as error:  # noqa: BLE001 - any fault of a part is what is asked for
            return Seen(is_up=False, text=type(error).__name__)

    def expect(self, *parts: str) -> None:
        """Count parts as away until `add` says how each is checked: the probes answer before that."""
        for part in parts:
            self._checks.setdefault(part, _is_awaited)

    def add(self, part: str, check: Callable[[], Awaitable[object]]) -> None:
        """Register a check: it returns when the part is up, and raises when it is not."""
        self._checks[part] = check

    async def faults(self) -> dict[str, str]:
        """Return what is down, each part with the kind of fault; empty when all is up."""
        parts = list(self._checks)
        results = await asyncio.gather(*(self._fault(part) for part in parts))
        return {part: fault for part, fault in zip(parts, results, strict=True) if fault}

    async def _fault(self, part: str) -> str | None:
        try:
            await asyncio.wait_for(self._checks[part](), _CHECK_TIMEOUT_S)
        except TimeoutError:
            return "no answer in time"
        except (
            RuntimeError,
            Unavailable,
        ) as error:  # this project's own words, without personal data
            return str(error)
        except Exception as error:  # noqa: BLE001 - any fault of a part is what is asked for
            return type(error).__name__
        return None


async def _is_awaited() -> None:
    raise RuntimeError("not there yet")
