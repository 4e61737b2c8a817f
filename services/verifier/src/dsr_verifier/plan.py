"""What changes of plan make of who must answer for a request, and who answers for others as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsr_core.ids import OrganisationId, SystemId
from dsr_verifier.model import in_order
from dsr_wire.codec.amendments import Amendment, PlanChanged, Succession

__all__ = ["Owing", "owing"]


@dataclass(frozen=True, slots=True)
class Owing:
    """Who must answer, once all changes of plan have been made in their order."""

    systems: Mapping[SystemId, OrganisationId]
    """With the owner of each, sorted."""

    successions: tuple[Succession, ...]
    """Those that had effect, since the retired system had to answer until then."""

    def before(self, system_id: SystemId) -> tuple[Succession, ...]:
        """Return the systems that one answers for as well, those that they answered for included."""
        own = [one for one in self.successions if one.successor == system_id]
        earlier = [each for one in own for each in self._before(one.retired, {system_id})]
        return tuple({one.retired: one for one in (*earlier, *own)}.values())

    def _before(self, system_id: SystemId, seen: set[SystemId]) -> list[Succession]:
        if system_id in seen:
            return []
        own = [one for one in self.successions if one.successor == system_id]
        return [
            *(each for one in own for each in self._before(one.retired, {*seen, system_id})),
            *own,
        ]


def owing(opened: Mapping[SystemId, OrganisationId], amendments: Iterable[Amendment]) -> Owing:
    """Return who must answer, whatever the order in which the amendments are given.

    A successor owes nothing where the retired system did not have to answer.

    Args:
        opened: Who had to answer when the request was opened.
        amendments: How it was amended; only changes of plan matter.
    """
    systems = dict(opened)
    successions: list[Succession] = []
    for amendment in sorted(amendments, key=in_order):
        if not isinstance(change := amendment.change, PlanChanged):
            continue
        for system_id in change.removed:
            systems.pop(system_id, None)
        systems |= dict(change.added)
        for one in change.successions:
            if systems.pop(one.retired, None) is not None:
                systems[one.successor] = one.organisation_id
                successions.append(one)
    return Owing(dict(sorted(systems.items())), tuple(successions))
