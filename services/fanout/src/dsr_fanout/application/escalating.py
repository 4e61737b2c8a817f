"""Escalating: who is missing as a legal date comes near, told to those who can do something."""

from __future__ import annotations

from datetime import datetime

from dsr_core.errors import RuleViolation
from dsr_core.ids import CohortId
from dsr_core.law.rules import TierAction
from dsr_core.rights import Right
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

    async def escalate(self, order: Order, action: TierAction, *, at: datetime) -> int:
        """Publish who is missing now; return how many systems. Safe to repeat: one event an action.

        Raises:
            RuleViolation: The ledger names a system that the registry version does not have.
            Unavailable: The ledger, the registry version or Kafka is away.
        """
        registry = await self._registries.version(order.registry_digest)
        missing: list[MissingSystem] = []
        for system_id, request_ids in sorted((await self._ledger.missing(order.cohort_id)).items()):
            system = registry.system(system_id)
            if system is None:
                detail = f"the ledger names {system_id}, and the registry version does not"
                raise RuleViolation("unknown_system", detail)
            missing.append(MissingSystem(system.id, system.organisation_id, len(request_ids)))
        escalation = Escalation(
            cohort_id=CohortId(order.cohort_id),
            right=Right(order.right),
            regime=order.regime,
            due_at=order.due_at,
            action=action,
            escalated_at=at,
            missing=tuple(missing),
        )
        outgoing = record(
            escalation_to_wire(escalation),
            order,
            topic=ESCALATIONS,
            event_id=f"{order.cohort_id}/{action}",
            at=at,
        )
        await self._publisher.publish((outgoing,))
        return len(missing)
