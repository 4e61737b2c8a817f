"""Commanding: from what a person decided to the workflow that it concerns."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from dsr_core.errors import RejectedInput, Unavailable
from dsr_fanout.orders import Tier, Verified
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

    def __init__(self, *, workflows: Workflows, intake: Intake) -> None:
        self._workflows = workflows
        self._intake = intake

    async def follow(self, command: Command, *, at: datetime) -> Followed:
        """Signal the cohort's workflow; the same command twice changes nothing there.

        A command can overtake its cohort, which comes by another topic: where no workflow runs and
        the cohort is open, the command waits for it.

        Raises:
            RejectedInput: Intake does not know the cohort, or its workflow has not started for so long
                that it never may; replaying the command is right once it has.
            Unavailable: Temporal or intake is away, or the workflow has not started yet.
        """
        if not isinstance(command.decision, IdentityVerified):
            detail = f"{type(command.decision).__name__} is not followed yet"
            raise RejectedInput("unknown_command", detail, field="command")
        tiers = [Tier(action=one.action.value, at=one.at) for one in command.decision.tiers]
        verified = Verified(due_at=command.decision.due_at, tiers=tiers)
        if await self._workflows.verified(command.cohort_id, verified):
            return Followed.DELIVERED
        progress = await self._intake.progress(command.cohort_id)
        if progress is None:
            detail = "the command names a cohort that intake does not know"
            raise RejectedInput("unknown_cohort", detail, field="cohort_id")
        if progress.open_members:
            if at - command.recorded_at > _PATIENCE:
                detail = "the cohort is open, and no workflow runs for it"
                raise RejectedInput("no_workflow", detail, field="cohort_id")
            raise Unavailable("the cohort's workflow has not started yet")
        return Followed.ENDED
