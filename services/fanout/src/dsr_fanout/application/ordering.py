"""Ordering: what a workflow is told of a cohort, and of what a person decided about one request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from dsr_core.errors import RejectedInput
from dsr_core.law.rules import TierAction
from dsr_fanout.orders import NEWEST, Decided, Order, Settled, Tier
from dsr_wire.codec.commands import (
    ClarificationAsked,
    ClarificationGiven,
    Command,
    DeadlineExtended,
    Decision,
)
from dsr_wire.codec.decisions import (
    HoldLifted,
    HoldPlaced,
    IdentityExpanded,
    ObligationSettled,
    Stopped,
)
from dsr_wire.codec.requests import AcceptedCohort, DatedTier

__all__ = ["ReminderPolicy", "decided_by", "order_alone", "order_of"]


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


def order_of(
    cohort: AcceptedCohort, reminders: ReminderPolicy, *, traceparent: str | None, at: datetime
) -> Order:
    """Return a cohort as its workflow needs it."""
    delay = reminders.delay(due_at=cohort.due_at, at=at)
    return Order(
        cohort_id=cohort.cohort_id,
        right=cohort.right.value,
        regime=cohort.regime,
        jurisdiction=cohort.jurisdiction,
        categories=list(cohort.scope.categories),
        organisation_ids=list(cohort.scope.organisation_ids),
        system_ids=list(cohort.scope.system_ids),
        since=cohort.scope.since.isoformat() if cohort.scope.since is not None else "",
        uses=[one.value for one in cohort.scope.uses],
        registry_digest=cohort.registry_digest,
        received_at=cohort.received_at,
        due_at=cohort.due_at,
        request_ids=list(cohort.request_ids),
        remind_after_s=round(delay.total_seconds(), 3),
        tiers=reminders.tiers(cohort.tiers, at=at),
        verify_identity_by=cohort.verify_identity_by,
        traceparent=traceparent,
        rules_digest=cohort.rules_digest,
        held_before=cohort.held_before,
        identifier_kinds=list(cohort.identifier_kinds),
        after=list(cohort.after),
    )


def order_alone(
    command: Command, reminders: ReminderPolicy, *, traceparent: str | None, at: datetime
) -> Order:
    """Return the request of a command as its own workflow needs it."""
    order = order_of(_alone(command), reminders, traceparent=traceparent, at=at)
    if command.cohort_id == order.cohort_id:
        return order
    # What its home cohort was told of newer registry versions, its own workflow does not know.
    return replace(
        order, home_cohort_id=command.cohort_id, left_at=command.recorded_at, replan=[NEWEST]
    )


def decided_by(command: Command, reminders: ReminderPolicy, *, at: datetime) -> Decided:
    """Return the decision of a command, with the dates as they are from then on."""
    alone = _alone(command)
    decided = Decided(
        kind=_kind(command.decision),
        revision=command.revision,
        effective_at=command.effective_at,
        recorded_at=command.recorded_at,
        due_at=alone.due_at,
        tiers=reminders.tiers(alone.tiers, at=at),
    )
    match command.decision:
        case Stopped(outcome):
            decided = replace(decided, outcome=outcome.value)
        case HoldPlaced(hold_id, system_ids):
            decided = replace(decided, hold_id=hold_id, system_ids=list(system_ids))
        case IdentityExpanded(system_ids):
            decided = replace(decided, system_ids=list(system_ids))
        case HoldLifted(hold_id):
            decided = replace(decided, hold_id=hold_id)
        case ObligationSettled() as one:
            settled = Settled(
                system_id=one.system_id,
                disposition=one.disposition.value,
                proposed_by=one.proposed_by,
                approved_by=one.approved_by,
                reason=one.reason,
            )
            decided = replace(decided, settled=settled)
        case _:
            pass
    return decided


_KINDS: dict[type[Decision], str] = {
    Stopped: "stopped",
    HoldPlaced: "hold_placed",
    HoldLifted: "hold_lifted",
    DeadlineExtended: "deadline_extended",
    ObligationSettled: "obligation_settled",
    ClarificationAsked: "clarification_asked",
    ClarificationGiven: "clarification_given",
    IdentityExpanded: "identity_expanded",
}
"""Each decision that sets a request apart, as the field of the command is called."""


def _kind(decision: Decision) -> str:
    kind = _KINDS.get(type(decision))
    if kind is None:
        detail = f"{type(decision).__name__} sets no request apart"
        raise RejectedInput("unknown_command", detail, field="command")
    return kind


def _alone(command: Command) -> AcceptedCohort:
    if command.alone is None:
        raise RejectedInput("invalid_field", "alone is absent", field="alone")
    return command.alone
