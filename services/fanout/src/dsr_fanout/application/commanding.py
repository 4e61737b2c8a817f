"""Commanding: from what a person decided to the workflow that it concerns."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from dsr_core.errors import RejectedInput, Unavailable
from dsr_fanout.application.ordering import ReminderPolicy, decided_by, order_alone
from dsr_fanout.orders import CohortProgress, Tier, Verified
from dsr_fanout.ports import Intake, Workflows
from dsr_wire.codec.commands import Command, IdentityVerified

__all__ = ["Commanding", "Followed"]


_PATIENCE = timedelta(minutes=10)
"""How long a command waits for its workflow: meanwhile those behind it wait as well."""


class Followed(StrEnum):
    """What became of a command."""

    DELIVERED = "delivered"
    ENDED = "ended"
    """Its cohort has ended: the command was delivered again, or came too late."""


class Commanding:
    """Brings commands to workflows."""

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
        self._waiting: dict[str, datetime] = {}
        """Since when each proof waits here: after an outage it is as old as its cohort, which comes too."""

    async def follow(self, command: Command, *, traceparent: str | None, at: datetime) -> Followed:
        """Signal the workflow that a command concerns; the same command twice changes nothing there.

        A proof of identity can overtake its cohort, which comes by another topic: where no workflow
        runs and the cohort is open, it waits for it. Every other decision starts the request's own
        workflow by the same call, so that it waits for nothing: should the cohort of one come after
        it, its workflow runs already.

        Raises:
            RejectedInput: Intake does not know the cohort, or its workflow has not started for so long
                that it never may; replaying the command is right once it has.
            Unavailable: Temporal or intake is away, or the workflow has not started yet.
        """
        if isinstance(command.decision, IdentityVerified):
            return await self._prove(command, command.decision, at=at)
        if at - command.recorded_at > self._retention:
            # Temporal may have forgotten the workflow: nothing that has ended begins anew.
            progress = await self._standing(command.request_id)
            if progress.open_members == 0:
                return Followed.ENDED
        order = order_alone(command, self._reminders, traceparent=traceparent, at=at)
        decided = decided_by(command, self._reminders, at=at)
        is_taken = await self._workflows.decided(order, decided)
        return Followed.DELIVERED if is_taken else Followed.ENDED

    async def _prove(self, command: Command, proof: IdentityVerified, *, at: datetime) -> Followed:
        tiers = [Tier(action=one.action.value, at=one.at) for one in proof.tiers]
        verified = Verified(due_at=proof.due_at, tiers=tiers, revision=command.revision)
        if await self._workflows.verified(command.cohort_id, verified):
            self._waiting.pop(command.request_id, None)
            return Followed.DELIVERED
        progress = await self._standing(command.cohort_id)
        if progress.open_members:
            since = self._waiting.setdefault(command.request_id, at)
            if at - since > _PATIENCE:
                del self._waiting[command.request_id]
                detail = "the cohort is open, and no workflow runs for it"
                raise RejectedInput("no_workflow", detail, field="cohort_id")
            raise Unavailable("the cohort's workflow has not started yet")
        self._waiting.pop(command.request_id, None)
        return Followed.ENDED

    async def _standing(self, cohort_id: str) -> CohortProgress:
        progress = await self._intake.progress(cohort_id)
        if progress is None:
            detail = "the command names a cohort that intake does not know"
            raise RejectedInput("unknown_cohort", detail, field="cohort_id")
        return progress
