"""Starting and hinting: from what intake says on Kafka to a cohort's workflow."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from dsr_core.errors import RejectedInput
from dsr_fanout.application.ordering import ReminderPolicy, order_of
from dsr_fanout.ports import Intake, Workflows
from dsr_wire.codec.requests import AcceptedCohort

__all__ = ["Start", "Starting"]


class Start(StrEnum):
    """What became of an accepted cohort."""

    RUNNING = "running"
    """A workflow runs for it, since now or since before."""

    FINISHED = "finished"
    """Its workflow has ended already: the record was delivered again."""

    ANSWERED = "answered"
    """The record is so old that Temporal may have forgotten its workflow, and all is answered."""


class Starting:
    """Starts the workflows of accepted cohorts."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        intake: Intake,
        reminders: ReminderPolicy,
        retention: timedelta,
    ) -> None:
        self._workflows = workflows
        self._intake = intake
        self._reminders = reminders
        self._retention = retention

    async def start(
        self, cohort: AcceptedCohort, *, traceparent: str | None, at: datetime
    ) -> Start:
        """Have a workflow for the cohort; safe to repeat for as long as its record can come again.

        Temporal refuses a second workflow of the same id for as long as it remembers the first. Older
        records are checked with intake, so that nothing which was answered long ago begins anew.

        Raises:
            RejectedInput: No workflow can ever serve this cohort.
            Unavailable: Temporal or intake is away.
        """
        if at - cohort.accepted_at > self._retention:
            progress = await self._intake.progress(cohort.cohort_id)
            if progress is None:
                detail = "older than Temporal's memory, and intake does not know it"
                raise RejectedInput("unknown_cohort", detail, field="cohort_id")
            if progress.open_members == 0:
                return Start.ANSWERED
        order = order_of(cohort, self._reminders, traceparent=traceparent, at=at)
        return Start.RUNNING if await self._workflows.start(order) else Start.FINISHED
