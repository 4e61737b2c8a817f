"""Limiting: how much each principal calls, counted here and now; no store is asked.

Each replica counts for itself, so what several of them let in adds up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from dsr_intake.model.principals import Limits, Principal

__all__ = ["Lease", "Limiter", "TooMany"]

BURST_S = 2.0
"""So many seconds' worth of calls may come at once."""

_KNOWN_LIMIT = 10_000
"""Principals that are remembered; more, and those that rest are forgotten."""


class TooMany(Exception):  # noqa: N818 - it is said to the caller, and no fault
    """A principal calls more than it may."""

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


@dataclass(slots=True, eq=False)
class _Bucket:
    """What one principal has left; a debt where it is below zero."""

    left: float
    filled_at: float
    running: int = 0

    def fill(self, rate: float, now: float) -> None:
        self.left = min(rate * BURST_S, self.left + (now - self.filled_at) * rate)
        self.filled_at = now


class Lease:
    """One call that runs. What it takes more, such as the lines of a batch, is counted by `take`."""

    def __init__(self, bucket: _Bucket, limits: Limits, clock: Callable[[], float]) -> None:
        self._bucket = bucket
        self._limits = limits
        self._clock = clock
        self._is_over = False

    async def take(self, count: int) -> None:
        """Return when so much more may be done; who has used up its share waits for it to grow back."""
        rate = float(self._limits.calls_per_s)
        self._bucket.fill(rate, self._clock())
        # Taken before it waits, so that several of one principal wait for each other.
        self._bucket.left -= count
        while self._bucket.left < 0 and not self._is_over:
            await asyncio.sleep(min(1.0, -self._bucket.left / rate))
            self._bucket.fill(rate, self._clock())

    def release(self) -> None:
        """End the call; safe to repeat."""
        if not self._is_over:
            self._is_over = True
            self._bucket.running -= 1


class Limiter:
    """Lets calls in, or says when to come again: a token bucket and a cap for each principal."""

    def __init__(self, standard: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._standard = standard
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def enter(self, who: Principal) -> Lease:
        """Let one call in, and count it until its lease is released.

        Raises:
            TooMany: There were too many of late, or too many run.
        """
        limits = who.limits or self._standard
        rate = float(limits.calls_per_s)
        now = self._clock()
        bucket = self._buckets.get(who.id)
        if bucket is None:
            bucket = self._remember(who.id, _Bucket(rate * BURST_S, now), now)
        bucket.fill(rate, now)
        if bucket.running >= limits.calls_at_once:
            detail = f"{limits.calls_at_once} calls at once are let in; end one, and try again"
            raise TooMany(detail, retry_after_s=1.0)
        if bucket.left < 1:
            detail = f"{limits.calls_per_s} calls a second are let in; try again"
            raise TooMany(detail, retry_after_s=(1 - bucket.left) / rate)
        bucket.left -= 1
        bucket.running += 1
        return Lease(bucket, limits, self._clock)

    def _remember(self, principal_id: str, bucket: _Bucket, now: float) -> _Bucket:
        if len(self._buckets) >= _KNOWN_LIMIT:
            # Whoever has not called for so long has a full bucket again.
            self._buckets = {
                name: one
                for name, one in self._buckets.items()
                if one.running or one.left < 0 or now - one.filled_at < BURST_S
            }
        self._buckets[principal_id] = bucket
        return bucket
