"""What the breaker needs from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from dsr_intake.model.breaker import BreakerLimits, BreakerRelease, BreakerScope, Stopped

__all__ = ["BreakerStore"]


class BreakerStore(Protocol):
    """Counts what passes, and keeps what is stopped. Every method may raise Unavailable."""

    async def pass_(
        self,
        cohort_id: str,
        members: int,
        limits: Mapping[str, BreakerLimits],
        *,
        at: datetime,
        window: timedelta,
    ) -> Sequence[str]:
        """Let a cohort pass for some scopes; return those that are stopped, or are so by this.

        A scope is stopped by one more than may pass within the window, or within a day.

        Who has passed passes again, and is counted once. Nothing passes where the whole group is
        stopped.
        """
        ...

    async def busiest_hours(self, since: datetime, until: datetime) -> Mapping[str, Sequence[int]]:
        """Return for each scope how many erasures passed in the busiest hour of each day with any."""
        ...

    async def whole_days(self, since: datetime, until: datetime) -> Mapping[str, Sequence[int]]:
        """Return for each scope how many erasures passed on each day with any."""
        ...

    async def scopes(self, *, at: datetime, window: timedelta) -> Sequence[BreakerScope]:
        """Return every scope that was ever counted; the limits are left zero."""
        ...

    async def stopped(self, cohort_id: str) -> Stopped | None:
        """Return how a cohort waits, or none."""
        ...

    async def propose(self, release: BreakerRelease) -> None:
        """Keep a proposal."""
        ...

    async def release(self, release_id: str) -> BreakerRelease | None:
        """Return a proposal, approved or not; none where there is none."""
        ...

    async def releases(self, limit: int) -> Sequence[BreakerRelease]:
        """Return what was proposed, the newest first."""
        ...

    async def approve(self, release_id: str, *, by: str, at: datetime) -> BreakerRelease:
        """Let erasures go on; return the release.

        Raises:
            RuleViolation: It was approved before, or is of an earlier stop.
        """
        ...

    async def forget(self, *, counts_before: datetime) -> int:
        """Drop old counts, and what has passed of cohorts that are answered; return how many rows."""
        ...
