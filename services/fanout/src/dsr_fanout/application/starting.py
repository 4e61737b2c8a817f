"""Starting and hinting: from what intake says on Kafka to a cohort's workflow."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from dsr_core.errors import RejectedInput
from dsr_core.law.rules import TierAction
from dsr_fanout.orders import Order, Tier
from dsr_fanout.ports import Intake, Workflows
from dsr_wire.codec.requests import AcceptedCohort, DatedTier
from dsr_wire.topics import NOTICE_RIGHTS

__all__ = ["ReminderPolicy", "Start", "Starting"]


class Start(StrEnum):
    """What became of an accepted cohort."""

    RUNNING = "running"
    """A workflow runs for it, since now or since before."""

    FINISHED = "finished"
    """Its workflow has ended already: the record was delivered again."""

    ANSWERED = "answered"
    """The record is so old that Temporal may have forgotten its workflow, and all is answered."""


class ReminderPolicy:
    """When the systems that have not answered are reminded."""

    def __init__(self, *, fraction: float, fixed: timedelta | None = None) -> None:
        self._fraction = fraction
        self._fixed = fixed

    def delay(self, *, due_at: datetime, at: datetime) -> timedelta:
        """Return how long after the first notice to remind: a fixed time, or a part of what is left."""
        if self._fixed is not None:
            return self._fixed
        return max(due_at - at, timedelta()) * self._fraction

    def tiers(self, tiers: Iterable[DatedTier], *, at: datetime) -> list[Tier]:
        """Return when what is to be done; a fixed time for the reminder goes before the rules'."""
        dated = [
            Tier(
                action=one.action.value,
                at=at + self._fixed
                if self._fixed is not None and one.action is TierAction.REMIND_SYSTEMS
                else one.at,
            )
            for one in tiers
        ]
        return sorted(dated, key=lambda one: one.at)


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
        if cohort.right not in NOTICE_RIGHTS:
            detail = f"no organisation has a topic for {cohort.right}"
            raise RejectedInput("right_without_notices", detail, field="right")
        if at - cohort.accepted_at > self._retention:
            progress = await self._intake.progress(cohort.cohort_id)
            if progress is None:
                detail = "older than Temporal's memory, and intake does not know it"
                raise RejectedInput("unknown_cohort", detail, field="cohort_id")
            if progress.open_members == 0:
                return Start.ANSWERED
        order = self._order(cohort, traceparent, at)
        return Start.RUNNING if await self._workflows.start(order) else Start.FINISHED

    def _order(self, cohort: AcceptedCohort, traceparent: str | None, at: datetime) -> Order:
        delay = self._reminders.delay(due_at=cohort.due_at, at=at)
        return Order(
            cohort_id=cohort.cohort_id,
            right=cohort.right.value,
            regime=cohort.regime,
            jurisdiction=cohort.jurisdiction,
            categories=list(cohort.scope.categories),
            organisation_ids=list(cohort.scope.organisation_ids),
            registry_digest=cohort.registry_digest,
            received_at=cohort.received_at,
            due_at=cohort.due_at,
            request_ids=list(cohort.request_ids),
            remind_after_s=round(delay.total_seconds(), 3),
            tiers=self._reminders.tiers(cohort.tiers, at=at),
            verify_identity_by=cohort.verify_identity_by,
            traceparent=traceparent,
        )
