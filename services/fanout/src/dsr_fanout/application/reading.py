"""Reading: whether a cohort is answered, as intake says, and how far the ledger has its phases.

Never inferred from a hint.
"""

from __future__ import annotations

from dsr_core.errors import RuleViolation
from dsr_fanout.application.addressing import not_recorded
from dsr_fanout.orders import CohortPhases, CohortProgress
from dsr_fanout.ports import Intake, Ledger

__all__ = ["Reading"]


class Reading:
    """Reads how cohorts stand."""

    def __init__(self, *, intake: Intake, ledger: Ledger) -> None:
        self._intake = intake
        self._ledger = ledger

    async def progress(self, cohort_id: str) -> CohortProgress:
        """Return how many members are open.

        Raises:
            RuleViolation: Intake does not know the cohort. That is no reason to end: a restored
                database may lack it for a while, and the person still waits.
            Unavailable: Intake is away.
        """
        progress = await self._intake.progress(cohort_id)
        if progress is None:
            raise RuleViolation("unknown_cohort", "intake does not know this cohort")
        return progress

    async def phases(self, cohort_id: str) -> CohortPhases:
        """Return how many phases of a cohort every open member has confirmed.

        Raises:
            Unavailable: The ledger is away, or does not know the cohort yet.
        """
        phases = await self._ledger.phases(cohort_id)
        if phases is None:
            raise not_recorded()
        return phases

    async def given_up(self, cohort_id: str) -> CohortProgress:
        """Have a cohort of one end as not verified, if it still awaits a proof; return how it stands.

        Raises:
            RuleViolation: Its date has not passed, by intake's clock, or intake does not know it.
            Unavailable: Intake is away.
        """
        return await self._intake.give_up_identity(cohort_id)

    async def stopped(self, cohort_id: str) -> CohortProgress:
        """Have a stop end with what is known, if its legal date has passed; return how it stands.

        Raises:
            RuleViolation: Its date has not passed, by intake's clock, or intake does not know it.
            Unavailable: Intake is away.
        """
        return await self._intake.give_up_stopping(cohort_id)
