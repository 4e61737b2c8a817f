"""Reading: whether a cohort is answered, as intake says; never inferred from a hint."""

from __future__ import annotations

from dsr_core.errors import RuleViolation
from dsr_fanout.orders import CohortProgress
from dsr_fanout.ports import Intake

__all__ = ["Reading"]


class Reading:
    """Reads how cohorts stand."""

    def __init__(self, *, intake: Intake) -> None:
        self._intake = intake

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
