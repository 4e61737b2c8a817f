"""What is asked of Temporal; who answers stands apart, since the image of `dsr` has no client of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from dsr_core.ids import CohortId

__all__ = ["Ended", "Orchestration"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a cohort's workflow has ended."""

    status: str
    run_id: str


class Orchestration(Protocol):
    """Which cohorts a workflow sees through, and having one go on."""

    async def idle(self, cohort_ids: Collection[CohortId]) -> dict[CohortId, Ended | None]:
        """Return those that no workflow runs for, with how theirs has ended; none where there is none."""

    async def reset(self, cohort_id: CohortId, ended: Ended, *, reason: str) -> str:
        """Have a workflow that has ended go on from its last task; return why not, where it does not.

        What it was told since is told to it again. One that goes on is idle no more, so nothing is
        reset twice.
        """
