"""The local activities of a cohort's workflow.

Here the three kinds of error become failures. Nothing that these say may hold a personal value, since
failures are kept in histories and shown to operators.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from dsr_core.errors import DsrError, RejectedInput, RuleViolation, Unavailable
from dsr_core.law.rules import TierAction
from dsr_fanout.application.amending import Amending
from dsr_fanout.application.escalating import Escalating
from dsr_fanout.application.notifying import Notifying, Untold
from dsr_fanout.application.opening import Opening
from dsr_fanout.application.reading import Reading
from dsr_fanout.application.replanning import Replanning
from dsr_fanout.metrics import Metrics
from dsr_fanout.orders import (
    AMEND,
    FEW_TRIES,
    GIVE_UP_IDENTITY,
    GIVE_UP_STOPPING,
    NOTIFY,
    OPEN_AND_NOTIFY,
    READ_COHORT,
    READ_PHASES,
    REPLAN,
    TELL_RUNNING,
    TELL_TIER,
    UNTOLD,
    CohortPhases,
    CohortProgress,
    Opened,
    Order,
    Reached,
    Replan,
    Replanned,
    Sending,
    Sent,
    Taken,
    Telling,
    Told,
)
from dsr_fanout.ports import Workflows

__all__ = ["CohortActivities"]

log = structlog.get_logger(__name__)

ResultT = TypeVar("ResultT")


class CohortActivities:
    """What a cohort's workflow may ask the world for."""

    def __init__(
        self,
        *,
        opening: Opening,
        notifying: Notifying,
        reading: Reading,
        escalating: Escalating,
        amending: Amending,
        replanning: Replanning,
        workflows: Workflows,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._opening = opening
        self._notifying = notifying
        self._reading = reading
        self._escalating = escalating
        self._amending = amending
        self._replanning = replanning
        self._workflows = workflows
        self._metrics = metrics
        self._now = now

    @property
    def all(self) -> Sequence[Callable[..., Any]]:
        """Every activity, for the worker."""
        return (
            self.open_and_notify,
            self.notify,
            self.read_cohort,
            self.read_phases,
            self.give_up_identity,
            self.tell_tier,
            self.amend,
            self.replan,
            self.tell_running,
            self.give_up_stopping,
        )

    @activity.defn(name=OPEN_AND_NOTIFY)
    async def open_and_notify(self, order: Order) -> Opened:
        """Put on record who must answer for a cohort, then begin to tell them.

        One activity for both, since each costs the workflow some milliseconds. Nothing is sent before
        the obligations are durable. It fails only if these are not: notices that cannot be sent now
        are left to `notify`, which says what is in the way, and does not open again.
        """
        opened = await self._mapped(OPEN_AND_NOTIFY, self._opening.open(order, at=self._now()))
        self._metrics.obligations.inc(opened.systems * len(order.request_ids))
        try:
            sent = await self._sent(Sending(order=order))
        except Untold as error:
            return replace(opened, only=list(error.organisation_ids))
        except DsrError:
            return opened
        return replace(opened, next=sent.next)

    @activity.defn(name=NOTIFY)
    async def notify(self, sending: Sending) -> Sent:
        """Send notices, or a reminder to those who are missing."""
        try:
            return await self._mapped(NOTIFY, self._sent(sending))
        except Untold as error:
            # Not tried again at once: that would tell everyone again, and not only these.
            raise self._failure(
                NOTIFY, UNTOLD, str(error), *error.organisation_ids, at_once=False
            ) from None

    @activity.defn(name=READ_COHORT)
    async def read_cohort(self, cohort_id: str) -> CohortProgress:
        """Read how many members of a cohort are open."""
        return await self._mapped(READ_COHORT, self._reading.progress(cohort_id))

    @activity.defn(name=READ_PHASES)
    async def read_phases(self, cohort_id: str) -> CohortPhases:
        """Read how many phases of a cohort are confirmed."""
        return await self._mapped(READ_PHASES, self._reading.phases(cohort_id))

    @activity.defn(name=GIVE_UP_IDENTITY)
    async def give_up_identity(self, cohort_id: str) -> CohortProgress:
        """Have a request that nobody proved in time end; read how its cohort stands."""
        return await self._mapped(GIVE_UP_IDENTITY, self._reading.given_up(cohort_id))

    @activity.defn(name=TELL_TIER)
    async def tell_tier(self, tier: Reached) -> int:
        """Tell that a tier is reached; return how many systems are missing."""
        action = TierAction(tier.action)
        escalating = self._escalating.escalate(
            tier.order, action, left_out=tier.left_out, tier_at=tier.at, at=self._now()
        )
        missing = await self._mapped(TELL_TIER, escalating)
        self._metrics.tiers.labels(action.value).inc()
        return missing

    @activity.defn(name=AMEND)
    async def amend(self, taken: Taken) -> int:
        """Tell the ledger what a decision changes; return how many amendments that took."""
        amended = await self._mapped(AMEND, self._amending.amend(taken, at=self._now()))
        self._metrics.amendments.labels(taken.decided.kind).inc(amended)
        return amended

    @activity.defn(name=REPLAN)
    async def replan(self, asked: Replan) -> Replanned:
        """Have the newest registry version apply to a cohort; return whom to tell."""
        replanned = await self._mapped(REPLAN, self._replanning.replan(asked, at=self._now()))
        if replanned.revision:
            self._metrics.amendments.labels("plan_changed").inc(len(asked.order.request_ids))
        return replanned

    @activity.defn(name=TELL_RUNNING)
    async def tell_running(self, telling: Telling) -> Told:
        """Tell a page of the running cohorts of a registry version."""
        return await self._mapped(TELL_RUNNING, self._workflows.tell_running(telling))

    @activity.defn(name=GIVE_UP_STOPPING)
    async def give_up_stopping(self, cohort_id: str) -> CohortProgress:
        """Have a stop end with what is known on its legal date; read how its cohort stands."""
        return await self._mapped(GIVE_UP_STOPPING, self._reading.stopped(cohort_id))

    async def _sent(self, sending: Sending) -> Sent:
        notices = self._metrics.notices.labels(_kind(sending))
        try:
            sent = await self._notifying.notify(sending, at=self._now())
        except Untold as error:
            notices.inc(error.notices)
            raise
        notices.inc(sent.notices)
        return sent

    async def _mapped(self, name: str, work: Awaitable[ResultT]) -> ResultT:
        try:
            return await work
        except Untold:
            raise
        except Unavailable as error:
            raise self._failure(name, "unavailable", str(error)) from None
        except (RejectedInput, RuleViolation) as error:
            # Not tried again at once: nothing changes within seconds. The workflow asks again later.
            raise self._failure(name, error.reason, error.detail, at_once=False) from None

    def _failure(
        self, name: str, reason: str, detail: str, *details: str, at_once: bool = True
    ) -> ApplicationError:
        """Count a failed try, and log it if the workflow is now going to wait."""
        self._metrics.failures.labels(name, reason).inc()
        info = activity.info()
        if not at_once or info.attempt >= FEW_TRIES.maximum_attempts:
            log.warning("a step is held up", part=name, reason=reason, workflow_id=info.workflow_id)
        # Benign: the SDK would log a traceback for each try, and there is nothing in it.
        return ApplicationError(
            detail,
            *details,
            type=reason,
            non_retryable=not at_once,
            category=ApplicationErrorCategory.BENIGN,
        )


def _kind(sending: Sending) -> str:
    """Return what a round of notices is counted as."""
    if sending.reminder:
        return "reminder"
    if sending.joined:
        return "joined"
    if sending.phase:
        return "due" if sending.is_due else "phase"
    return sending.instruction if sending.revision else "first"
