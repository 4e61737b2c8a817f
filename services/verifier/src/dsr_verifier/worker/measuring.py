"""Measuring: who owes what, for those who watch."""

from __future__ import annotations

from dsr_runtime.metrics import show_all
from dsr_verifier.metrics import Metrics
from dsr_verifier.ports import Clock, Debts

__all__ = ["Measuring"]


class Measuring:
    """Counts what is missing. Every replica counts all of it, so that none has to be asked for it."""

    def __init__(self, debts: Debts, metrics: Metrics, clock: Clock) -> None:
        self._debts = debts
        self._metrics = metrics
        self._clock = clock

    async def measure(self) -> None:
        """Show how many obligations each system has not confirmed, the age of the oldest, and how near the law is.

        Raises:
            Unavailable: The ledger is away; what was shown before stays.
        """
        now = self._clock()
        owed = {(one.organisation_id, one.system_id): one for one in await self._debts.owed()}
        show_all(self._metrics.missing, {by: one.obligations for by, one in owed.items()})
        show_all(
            self._metrics.missing_age,
            {by: max((now - one.oldest).total_seconds(), 0.0) for by, one in owed.items()},
            together=max,
        )
        show_all(
            self._metrics.missing_due,
            {by: (one.due - now).total_seconds() for by, one in owed.items()},
            together=min,
        )
        self._metrics.measured_at.set(now.timestamp())
