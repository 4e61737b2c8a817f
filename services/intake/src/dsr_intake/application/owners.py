"""Owners: who can do something about a system that keeps a request open, by the newest registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dsr_core.registry import Registry, System
from dsr_intake.ports import RegistryView

__all__ = ["PRIVACY_OFFICE", "Owner", "owner_of", "with_heirs"]

PRIVACY_OFFICE = "Privacy office"

_BY_TWO = "two people can answer for it"


@dataclass(frozen=True, slots=True)
class Owner:
    """A system, and whose it is."""

    system: System
    name: str
    contact: str | None
    remark: str = ""
    """Why that is not the system's own team; empty where it is."""


def owner_of(
    system_id: str, registry: RegistryView, *, privacy_office: str | None, at: datetime
) -> Owner | None:
    """Return whose a system is; none where no version of the registry has it.

    Of one that is out of use the organisation's owner is named, since its team may be no more; and of
    one that was sold the privacy office, since nobody else in the group has to do with it.
    """
    holder = registry.holder(system_id)
    system = holder.system(system_id) if holder else None
    if holder is None or system is None:
        return None
    organisation = holder.organisation(system.organisation_id)
    if organisation is None:
        return Owner(system, system.owner, system.contact)
    if organisation.sold is not None and organisation.has_left(at):
        left = f"{organisation.id} has left the group on {organisation.sold.on}"
        return Owner(system, PRIVACY_OFFICE, privacy_office, f"{left}: {_BY_TWO}")
    out_of_use = _out_of_use(system, registry.current)
    if out_of_use:
        return Owner(system, organisation.owner, organisation.contact, f"{out_of_use}: {_BY_TWO}")
    return Owner(system, system.owner, system.contact)


def with_heirs(current: Registry | None, system_ids: Iterable[str]) -> frozenset[str]:
    """Return systems, and those that have the data of the retired ones among them now."""
    return frozenset(system_ids) if current is None else current.with_heirs(system_ids)


def _out_of_use(system: System, current: Registry | None) -> str:
    if current is not None and current.system(system.id) is None:
        return "it is in the registry no more"
    if system.retired_on is not None:
        return f"it was retired on {system.retired_on}"
    return ""
