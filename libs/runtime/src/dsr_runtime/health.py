"""Health: is the process alive, and which of the parts that it needs are away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

__all__ = ["Health"]

_CHECK_TIMEOUT_S = 2.0


class Health:
    """A named check for each part that the process needs."""

    def __init__(self) -> None:
        self._checks: dict[str, Callable[[], Awaitable[object]]] = {}

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
        except RuntimeError as error:  # this project's own words, without personal data
            return str(error)
        except Exception as error:  # noqa: BLE001 - any fault of a part is what is asked for
            return type(error).__name__
        return None


async def _is_awaited() -> None:
    raise RuntimeError("not there yet")
