"""The plan: which systems must answer for a subject request, from one registry version.

A pure function, so that intake (which refuses a request with an empty plan), fanout (which opens the
obligations) and an auditor with the registry's digest all find the same systems.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.registry import Registry, System
from dsr_core.rights import Right
from dsr_core.suppressions import SuppressionKind

__all__ = ["Scope", "at_or_below", "by_organisation", "plan"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What part of the data a subject request is about; what is empty limits nothing."""

    categories: tuple[str, ...] = ()
    """Keys of the fideslang taxonomy, sorted; a key covers the keys below it."""

    organisation_ids: tuple[OrganisationId, ...] = ()
    """Organisations, sorted."""

    system_ids: tuple[SystemId, ...] = ()
    """Systems, sorted: what follows from one system's answer concerns that system alone."""

    since: date | None = None
    """Data from this day on. Every system of the plan is asked, since only it knows how old its data is."""

    uses: tuple[SuppressionKind, ...] = ()
    """What the data is to be used for no more, where that is not all that the right ends, sorted."""

    def covers(self, system: System) -> bool:
        """Tell whether any of the system's data is meant."""
        if self.organisation_ids and system.organisation_id not in self.organisation_ids:
            return False
        if self.system_ids and system.id not in self.system_ids:
            return False
        if not self.categories:
            return True
        return any(
            at_or_below(held, wanted) or at_or_below(wanted, held)
            for held in system.categories
            for wanted in self.categories
        )


def plan(
    registry: Registry, right: Right, scope: Scope, *, received_at: datetime
) -> tuple[System, ...]:
    """Return every system that must answer, sorted by id.

    A system is asked even when it knows the data subject by none of the identifiers at hand: only it
    can say so, and until it does the request stays open. One that is retired is not, nor is one whose
    organisation had left the group when the request was received.
    """
    left = {one.id for one in registry.organisations if one.has_left(received_at)}
    return tuple(
        system
        for system in registry.systems
        if right in system.rights
        and system.retired_on is None
        and system.organisation_id not in left
        and scope.covers(system)
    )


def by_organisation(systems: Iterable[System]) -> dict[OrganisationId, tuple[System, ...]]:
    """Group systems by the organisation that owns them, both sorted by id."""
    groups: dict[OrganisationId, list[System]] = {}
    for system in sorted(systems, key=lambda one: (one.organisation_id, one.id)):
        groups.setdefault(system.organisation_id, []).append(system)
    return {organisation: tuple(group) for organisation, group in groups.items()}


def at_or_below(key: str, ancestor: str) -> bool:
    """Tell whether a key of the taxonomy is another, or lies below it."""
    return key == ancestor or key.startswith(f"{ancestor}.")
