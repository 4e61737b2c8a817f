"""Opening: who must answer for a cohort, put on record before anyone is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from dsr_core.errors import RuleViolation
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.phases import phases
from dsr_core.plan import Scope, plan
from dsr_core.registry import Registry, System
from dsr_core.rights import Right
from dsr_core.suppressions import SuppressionKind
from dsr_fanout.application.records import record
from dsr_fanout.orders import Opened, Order
from dsr_fanout.ports import Publisher, Registries
from dsr_wire.codec.obligations import OpenedObligations, obligations_opened_to_wire
from dsr_wire.topics import OBLIGATIONS

__all__ = ["Opening", "count_of", "has_to_look", "phases_of", "planned_systems", "scope_of"]


class Opening:
    """Opens the obligations of cohorts."""

    def __init__(self, *, registries: Registries, publisher: Publisher) -> None:
        self._registries = registries
        self._publisher = publisher

    async def open(self, order: Order, *, at: datetime) -> Opened:
        """Publish what is owed; safe to repeat, since the event's id depends on the cohort alone.

        Raises:
            RuleViolation: The plan is empty, or too large for one record.
            Unavailable: The registry version has not arrived, or Kafka is away.
        """
        registry = await self._registries.version(order.registry_digest)
        systems = planned_systems(registry, order)
        opened = OpenedObligations(
            cohort_id=CohortId(order.cohort_id),
            right=Right(order.right),
            regime=order.regime,
            registry_digest=order.registry_digest,
            due_at=order.due_at,
            opened_at=at,
            request_ids=tuple(RequestId(one) for one in order.request_ids),
            systems=tuple((system.id, system.organisation_id) for system in systems),
            rules_digest=order.rules_digest,
            looks_again=frozenset(
                system.id for system in systems if has_to_look(system, order.held_before)
            ),
            phases=phases_of(registry, order, systems),
            after=tuple(map(RequestId, order.after)),
            received_at=order.received_at,
            scope=scope_of(order),
        )
        outgoing = record(
            obligations_opened_to_wire(opened),
            order,
            topic=OBLIGATIONS,
            event_id=f"{order.cohort_id}/opened",
            at=at,
        )
        await self._publisher.publish((outgoing,))
        newest = (await self._registries.newest()).registry.digest
        return Opened(
            systems=len(systems),
            newest=newest if newest != order.registry_digest else "",
            phases=count_of(opened.phases),
        )


def planned_systems(registry: Registry, order: Order) -> tuple[System, ...]:
    """Return the systems that must answer for a cohort.

    Raises:
        RuleViolation: There are none; that is an outcome for a person to state, not a count of zero.
    """
    right, scope = Right(order.right), scope_of(order)
    systems = plan(registry, right, scope, received_at=order.received_at)
    if not systems:
        raise RuleViolation("empty_plan", "the registry version has no system to ask")
    return systems


def phases_of(registry: Registry, order: Order, systems: Iterable[System]) -> dict[SystemId, int]:
    """Return the phase of each system that is not asked in the first; of a cohort that looks, none.

    Where data is to be handed over before, nobody is asked in the first: it waits for that alone.
    """
    if order.held_before is not None:
        return {}
    found = phases(registry, systems, Right(order.right), order.identifier_kinds)
    numbered = enumerate(found, start=1 if order.after else 0)
    return {one.id: number for number, each in numbered for one in each if number}


def count_of(later: Mapping[SystemId, int]) -> int:
    """Return how many phases a plan has, from those that come after the first."""
    return max(later.values(), default=0) + 1


def has_to_look(system: System, held_before: datetime | None) -> bool:
    """Tell whether a system's `erased` alone does not count: who is asked to look, looks again too."""
    return system.looks_again or held_before is not None


def scope_of(order: Order) -> Scope:
    """Return what part of the data a cohort is about."""
    organisation_ids = tuple(OrganisationId(one) for one in order.organisation_ids)
    system_ids = tuple(SystemId(one) for one in order.system_ids)
    return Scope(
        tuple(order.categories),
        organisation_ids,
        system_ids,
        date.fromisoformat(order.since) if order.since else None,
        tuple(SuppressionKind(one) for one in order.uses),
    )
