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
