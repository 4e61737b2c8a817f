"""Addressing: which systems a round of notices goes to, and for which requests of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsr_core.errors import RuleViolation, Unavailable
from dsr_core.registry import Registry, System
from dsr_fanout.application.opening import planned_systems
from dsr_fanout.orders import Order, Sending
from dsr_fanout.ports import Ledger
from dsr_wire.codec.notices import Instruction

__all__ = ["Owed", "missing_systems", "not_recorded", "owed"]

Owed = Mapping[System, frozenset[str]]
"""Systems, each with the requests that it owes."""


async def owed(sending: Sending, registry: Registry, ledger: Ledger) -> Owed:
    """Return whom to tell of what.

    The first notice goes to every planned system for every request. A reminder, and the word that
    erasure goes on, go to those who are missing. A stop goes to those who have not ended, which is
    everyone where the ledger does not know the request yet; and suspending, to all that a hold covers.

    Raises:
        RuleViolation: The plan is empty, or the ledger names a system that the registry does not have.
        Unavailable: The ledger is away, or does not know the cohort yet.
    """
    order = sending.order
    instruction = Instruction(sending.instruction)
    is_first = not sending.reminder and not sending.revision
    if is_first or instruction is Instruction.SUSPEND:
        systems = _everything(registry, order)
    else:
        missing = await ledger.missing(order.cohort_id)
        if missing is not None:
            systems = missing_systems(registry, missing)
        elif instruction is Instruction.STOP:
            systems = _everything(registry, order)
        else:
            raise not_recorded()
    return {
        system: ids
        for system, ids in systems.items()
        if (not sending.system_ids or system.id in sending.system_ids)
        and system.id not in sending.left_out
    }


def missing_systems(registry: Registry, missing: Mapping[str, Sequence[str]]) -> Owed:
    """Return the systems that the ledger names, in order of their ids.

    Raises:
        RuleViolation: It names one that the registry version does not have.
    """
    found: dict[System, frozenset[str]] = {}
    for system_id, request_ids in sorted(missing.items()):
        system = registry.system(system_id)
        if system is None:
            detail = f"the ledger names {system_id}, and the registry version does not"
            raise RuleViolation("unknown_system", detail)
        found[system] = frozenset(request_ids)
    return found


def not_recorded() -> Unavailable:
    """Return the fault that the ledger does not know a cohort yet.

    Fanout opened it, so that it is on its way; an absent ledger is no empty one.
    """
    return Unavailable("the verifier has not recorded the cohort's obligations yet")


def _everything(registry: Registry, order: Order) -> Owed:
    return dict.fromkeys(planned_systems(registry, order), frozenset(order.request_ids))
