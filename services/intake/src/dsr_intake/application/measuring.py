"""Measuring: what is open, and what will be late by when, for those who watch."""

from __future__ import annotations

from collections import defaultdict

from dsr_core.metrics.intake import DUE_LABELS, DUE_WITHIN
from dsr_intake.application.clock import Clock
from dsr_intake.metrics import Metrics
from dsr_intake.ports.standing import StandingStore
from dsr_runtime.metrics import show_all

__all__ = ["Measuring"]


class Measuring:
    """Counts what is open. Every replica counts all of it, so that none has to be asked for it."""

    def __init__(self, store: StandingStore, metrics: Metrics, clock: Clock) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock

    async def measure(self) -> None:
        """Show how many requests are open, how old the oldest is, and when their dates are.

        Raises:
            Unavailable: The store is away; what was shown before stays.
        """
        now = self._clock()
        members: defaultdict[tuple[object, ...], float] = defaultdict(float)
        ages: defaultdict[tuple[object, ...], float] = defaultdict(float)
        due: defaultdict[tuple[object, ...], float] = defaultdict(float)
        for one in await self._store.open_requests(DUE_WITHIN, now):
            law = (one.right, one.regime)
            members[law] += one.members
            ages[law] = max(ages[law], (now - one.oldest).total_seconds())
            for place, bound in enumerate(DUE_LABELS):
                due[*law, bound] += one.members if one.place <= place else 0
        for right, regime in members:
            self._metrics.expect_ends(str(right), str(regime))
        show_all(self._metrics.open, members)
        show_all(self._metrics.open_age, ages, together=max)
        show_all(self._metrics.open_due, due)
        self._metrics.measured_at.set(now.timestamp())
