"""Waiting for the registry: bounded, and once for each thing that is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from dsr_verifier.application.reading import NotYetKnown
from dsr_verifier.ports import RegistryView

__all__ = ["Gate"]

_FORGET_AFTER_S = 600.0


class Gate:
    """Lets a message wait for what it names, and no later message wait for the same once more.

    Without that memory a row of messages that name the same unknown thing would hold up their
    partition for as many waits.
    """

    def __init__(self, registry: RegistryView, *, wait_s: float) -> None:
        self._registry = registry
        self._wait_s = wait_s
        self._deadlines: dict[str, float] = {}

    async def wait(self, missing: Iterable[NotYetKnown]) -> None:
        """Return when all that is missing has arrived, or when its time is up."""
        now = time.monotonic()
        self._deadlines = {
            awaited: deadline
            for awaited, deadline in self._deadlines.items()
            if deadline > now - _FORGET_AFTER_S
        }
        await asyncio.gather(*(self._wait(one, now) for one in missing))

    async def _wait(self, fault: NotYetKnown, now: float) -> None:
        left = self._deadlines.setdefault(fault.awaited, now + self._wait_s) - now
        if left > 0 and await self._registry.wait_until(fault.arrived, left):
            self._deadlines.pop(fault.awaited, None)
