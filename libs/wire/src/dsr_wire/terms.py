"""Terms: what the amendments of one request make of who must answer, and of what their answers mean.

Pure functions of everything that was decided; the order in which it arrived does not matter. Whoever
keeps the ledger and whoever checks a certificate ask the same ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dsr_core.acknowledgements import Acknowledgement, SettledBy, Standing, standing
from dsr_core.ids import OrganisationId, RequestId, SystemId
from dsr_core.rights import Right
from dsr_wire.codec.amendments import (
    Amendment,
    Change,
    DueDateMoved,
    LeftCohort,
    PlanChanged,
    Succession,
)
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced, ObligationSettled, Stopped

__all__ = ["KINDS", "Owing", "answers_by_people", "in_order", "owing", "stands"]

KINDS: dict[type[Change], str] = {
    LeftCohort: "left_cohort",
    PlanChanged: "plan_changed",
    DueDateMoved: "due_date_moved",
    Stopped: "stopped",
    HoldPlaced: "hold_placed",
    HoldLifted: "hold_lifted",
    ObligationSettled: "obligation_settled",
}
"""What each kind of change is called, in the order in which those of one revision are applied."""

_ORDER = {kind: place for place, kind in enumerate(KINDS)}


def in_order(one: Amendment) -> tuple[RequestId, int, int]:
    """Sort amendments as they are applied: by revision, and leaving the cohort first in each."""
    return (one.request_id, one.revision, _ORDER[type(one.change)])


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


def answers_by_people(
    amendments: Iterable[Amendment], system_id: SystemId, right: Right
) -> list[Acknowledgement]:
    """Return what people have answered in place of a system, by the amendments of one request."""
    return [
        Acknowledgement(
            request_id=one.request_id,
            system_id=system_id,
            right=right,
            disposition=one.change.disposition,
            sequence=0,
            answered_at=one.effective_at,
            reason=one.change.reason,
            settled_by=SettledBy(
                proposed_by=one.change.proposed_by,
                approved_by=one.change.approved_by,
                revision=one.revision,
            ),
        )
        for one in amendments
        if isinstance(one.change, ObligationSettled) and one.change.system_id == system_id
    ]


def stands(
    owing: Owing,
    amendments: Collection[Amendment],
    system_id: SystemId,
    answers: Collection[Acknowledgement],
    *,
    right: Right,
    stopping: bool,
    looks_again: bool = False,
) -> Standing:
    """Say where an obligation of an amended request stands, given every answer of its system.

    Of a system that has taken over another's data only what it answered since counts: what it had
    said before is evidence, and neither confirms nor contradicts.

    Args:
        owing: Who must answer.
        amendments: Those of the request.
        system_id: The system.
        answers: All that it has answered.
        right: What is asked for.
        stopping: Whether the request is being stopped.
        looks_again: Whether the system has to look again after an erasure; who has taken over
            another's data since need not.
    """
    known = [*answers, *answers_by_people(amendments, system_id, right)]
    since = max((one.since for one in owing.before(system_id)), default=None)
    if since is None:
        return standing(known, stopping=stopping, looks_again=looks_again)
    earlier = standing((one for one in known if one.answered_at < since), stopping=stopping)
    counts = [one for one in known if one.answered_at >= since]
    now = standing(counts, stopping=stopping) if counts else earlier
    return now._replace(
        is_confirmed=bool(counts) and now.is_confirmed,
        is_contradicted=bool(counts) and now.is_contradicted,
        contradictions=earlier.contradictions + (now.contradictions if counts else 0),
    )
