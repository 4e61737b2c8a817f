"""The port of what is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from dsr_intake.model.promises import OpenRequests

__all__ = ["StandingStore"]


class StandingStore(Protocol):
    """Says how many requests are open."""

    async def open_requests(self, bounds: Sequence[float], at: datetime) -> list[OpenRequests]:
        """Return the open requests by right, regime and stretch of time; no stretch that has none.

        Args:
            bounds: Seconds from `at`, ascending: place n lies between bound n - 1 and bound n.
            at: Now.

        Raises:
            Unavailable: The store is away.
        """
        ...
