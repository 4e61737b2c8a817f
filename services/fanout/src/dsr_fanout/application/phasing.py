"""Phasing: in which phase of its plan each system of a cohort is asked, and that one is told."""

from __future__ import annotations

from datetime import datetime

from dsr_core.ids import CohortId, SystemId
from dsr_core.registry import Registry
from dsr_core.replan import Replan as Change
from dsr_fanout.application.opening import phases_of, planned_systems
from dsr_fanout.application.records import record
from dsr_fanout.orders import Order, Sending
from dsr_wire.codec.obligations import ToldPhase, phase_told_to_wire
from dsr_wire.envelope import Outgoing
from dsr_wire.topics import OBLIGATIONS

__all__ = ["later_phases", "phase_told"]


def later_phases(
    order: Order, planned: Registry, newest: Registry, change: Change
) -> dict[SystemId, int]:
    """Return the phases of a plan with what newer versions have changed; nothing where there is one.

    Who has a retired system's data is asked when that one would have been. Who joined is asked as the
    newest version orders it among those who owe an answer, and makes no further phase.

    Args:
        order: The cohort.
        planned: The version that it pins, whose order stays.
        newest: The newest version.
        change: What newer versions have changed.
    """
    systems = planned_systems(planned, order)
    first = phases_of(planned, order, systems)
    if not first or change == Change():
        return first
    found = dict(first)
    planned_ids = {one.id for one in systems}
    for one in change.successions:
        if one.retired in planned_ids and one.heir.id not in planned_ids:
            number = first.get(one.retired, 0)
            found[one.heir.id] = min(number, found.get(one.heir.id, number))
    gone = {*change.removed, *(one.retired for one in change.successions)}
    staying = [one for one in systems if one.id not in gone]
    latest = phases_of(newest, order, (*staying, *change.added))
    last = max(first.values())
    for system in change.added:
        if system.id not in planned_ids:
            found.setdefault(system.id, min(latest.get(system.id, 0), last))
    return {one: number for one, number in found.items() if number}


def phase_told(sending: Sending, *, at: datetime) -> Outgoing:
    """Return the record that a later phase is about to be told: one event, however often it is tried."""
    order = sending.order
    told = ToldPhase(
        cohort_id=CohortId(order.cohort_id),
        phase=sending.phase,
        told_at=at,
        is_due=sending.is_due,
    )
    return record(
        phase_told_to_wire(told),
        order,
        topic=OBLIGATIONS,
        event_id=f"{order.cohort_id}/phase/{sending.phase}",
        at=at,
    )
