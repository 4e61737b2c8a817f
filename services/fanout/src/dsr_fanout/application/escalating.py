"""Escalating: who is missing as a legal date comes near, told to those who can do something."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from dsr_core.ids import CohortId
from dsr_core.law.rules import TierAction
from dsr_core.rights import Right
from dsr_fanout.application.addressing import missing_systems, not_recorded
from dsr_fanout.application.records import record
from dsr_fanout.orders import Order
from dsr_fanout.ports import Ledger, Publisher, Registries
from dsr_wire.codec.escalations import Escalation, MissingSystem, escalation_to_wire
from dsr_wire.topics import ESCALATIONS

__all__ = ["Escalating"]


class Escalating:
    """Tells of cohorts that come near their legal date, or have passed it."""

    def __init__(self, *, registries: Registries, ledger: Ledger, publisher: Publisher) -> None:
        self._registries = registries
        self._ledger = ledger
        self._publisher = publisher

    async def escalate(
        self,
        order: Order,
        action: TierAction,
        *,
        left_out: Collection[str] = (),
        tier_at: datetime | None = None,
        at: datetime,
    ) -> int:
        """Publish who is missing now; return how many systems. Safe to repeat: one event a tier.

        Systems that a hold covers are left out, and those that answer for them; where nobody else is
        missing, there is nothing to tell.

        Raises:
            RuleViolation: The ledger names a system that the registry version does not have.
            Unavailable: The ledger, the registry version or Kafka is away.
        """
        registry = await self._registries.version(order.registry_digest)
        recorded = await self._ledger.missing(order.cohort_id)
        if recorded is None:
            raise not_recorded()
        held = (await self._registries.newest()).registry.with_heirs(left_out)
        missing = [
            MissingSystem(system.id, system.organisation_id, len(request_ids))
            for system, request_ids in missing_systems(self._registries, registry, recorded).items()
            if system.id not in held
        ]
        if left_out and not missing:
            return 0
        escalation = Escalation(
            cohort_id=CohortId(order.cohort_id),
            right=Right(order.right),
            regime=order.regime,
            due_at=order.due_at,
            action=action,
            escalated_at=at,
            missing=tuple(missing),
            tier_at=tier_at,
        )
        # By the dates too: once it is extended the same tier comes again, and of two tiers with one
        # action each is told of; neither is a repeat.
        moments = [order.due_at, *([tier_at] if tier_at else [])]
        outgoing = record(
            escalation_to_wire(escalation),
            order,
            topic=ESCALATIONS,
            event_id="/".join(
                (order.cohort_id, action, *(f"{one:%Y%m%dT%H%M%SZ}" for one in moments))
            ),
            at=at,
        )
        await self._publisher.publish((outgoing,))
        return len(missing)
