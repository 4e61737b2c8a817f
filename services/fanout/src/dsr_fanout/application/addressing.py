"""Addressing: which systems a round of notices goes to, and for which requests of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsr_core.errors import RuleViolation, Unavailable
from dsr_core.ids import SystemId
from dsr_core.registry import Registry, System
from dsr_fanout.application.opening import phases_of, planned_systems
from dsr_fanout.application.phasing import later_phases
from dsr_fanout.application.replanning import changed
from dsr_fanout.orders import Order, Sending
from dsr_fanout.ports import Ledger, Registries
from dsr_wire.codec.notices import Instruction

__all__ = ["Owed", "missing_systems", "not_recorded", "owed"]

Owed = Mapping[System, frozenset[str]]
"""Systems, each with the requests that it owes."""


async def owed(sending: Sending, registries: Registries, ledger: Ledger) -> Owed:
    """Return whom to tell of what.

    The first notice goes to every planned system of the first phase for every request, that of a later
    phase to those who are missing in it. A reminder, and the word that erasure goes on, go to those who
    are missing and were told. A stop goes to those who have not ended, which is
    everyone where the ledger does not know the request yet; and suspending, to all that a hold covers.
    Who has joined the plan is told like a planned system, of every request; and a system that answers
    for a retired one, wherever that is meant.

    Raises:
        RuleViolation: The plan is empty, or the ledger names a system that the registry does not have.
        Unavailable: The ledger is away, or does not know the cohort yet.
    """
    order = sending.order
    registry = await registries.version(order.registry_digest)
    newest = (await registries.newest()).registry
    instruction = Instruction(sending.instruction)
    is_first = not sending.reminder and not sending.revision
    if sending.phase:
        systems = await _of_phase(sending, registries, ledger)
    elif sending.joined:
        ids = dict.fromkeys(sending.system_ids, order.request_ids)
        systems = missing_systems(registries, registry, ids)
    elif is_first:
        systems = _first(registry, order)
    elif instruction is Instruction.SUSPEND:
        systems = await _everything(registries, registry, order)
    else:
        missing = await ledger.missing(order.cohort_id)
        if missing is not None:
            systems = missing_systems(registries, registry, missing)
        elif instruction is Instruction.STOP:
            systems = await _everything(registries, registry, order)
        else:
            raise not_recorded()
    if sending.below:
        later = await _later(order, registries)
        systems = {
            system: ids
            for system, ids in systems.items()
            if later.get(system.id, 0) < sending.below
        }
    meant, left_out = newest.with_heirs(sending.system_ids), newest.with_heirs(sending.left_out)
    return {
        system: ids
        for system, ids in systems.items()
        if (not meant or system.id in meant) and system.id not in left_out
    }


def missing_systems(
    registries: Registries, registry: Registry, missing: Mapping[str, Sequence[str]]
) -> Owed:
    """Return the systems that the ledger names, in order of their ids.

    One that joined the plan later is in a newer version of the registry.

    Raises:
        RuleViolation: It names one that no registry version has.
    """
    found: dict[System, frozenset[str]] = {}
    for system_id, request_ids in sorted(missing.items()):
        newer = None if registry.system(system_id) else registries.holder(system_id)
        system = (newer or registry).system(system_id)
        if system is None:
            detail = f"the ledger names {system_id}, and no registry version does"
            raise RuleViolation("unknown_system", detail)
        found[system] = frozenset(request_ids)
    return found


def not_recorded() -> Unavailable:
    """Return the fault that the ledger does not know a cohort yet.

    Fanout opened it, so that it is on its way; an absent ledger is no empty one.
    """
    return Unavailable("the verifier has not recorded the cohort's obligations yet")


async def _of_phase(sending: Sending, registries: Registries, ledger: Ledger) -> Owed:
    """Return who is missing in a phase; with the last one, whoever joined too late for an earlier one.

    By the ledger, since members may have left or be answered, and others may have joined, since the plan.
    """
    order = sending.order
    registry = await registries.version(order.registry_digest)
    missing = await ledger.missing(order.cohort_id)
    if missing is None:
        raise not_recorded()
    later = await _later(order, registries)
    planned = {one.id for one in planned_systems(registry, order)}
    is_last = sending.phase == max(later.values(), default=0)
    return {
        system: ids
        for system, ids in missing_systems(registries, registry, missing).items()
        if later.get(system.id, 0) == sending.phase or (is_last and system.id not in planned)
    }


async def _later(order: Order, registries: Registries) -> Mapping[SystemId, int]:
    """Return the phase of each system that may owe an answer and is not asked in the first."""
    planned = await registries.version(order.registry_digest)
    newest = (await registries.newest()).registry
    return later_phases(order, planned, newest, await changed(order, registries))


async def _everything(registries: Registries, registry: Registry, order: Order) -> Owed:
    """Return all who may owe something, those included whom newer versions of the registry ask."""
    change = await changed(order, registries)
    later: dict[str, list[str]] = {one.id: order.request_ids for one in change.told}
    return {**_planned(registry, order), **missing_systems(registries, registry, later)}


def _first(registry: Registry, order: Order) -> Owed:
    systems = planned_systems(registry, order)
    later = phases_of(registry, order, systems)
    first = [one for one in systems if one.id not in later]
    return dict.fromkeys(first, frozenset(order.request_ids))


def _planned(registry: Registry, order: Order) -> Owed:
    return dict.fromkeys(planned_systems(registry, order), frozenset(order.request_ids))
