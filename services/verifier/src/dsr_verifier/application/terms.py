"""Terms: what a request's amendments make of it. Pure functions; the order of arrival does not matter."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from dsr_core.acknowledgements import Acknowledgement, Standing, standing
from dsr_core.ids import SystemId
from dsr_core.rights import CONFIRMING, STOPPING, Disposition
from dsr_verifier.model import Breach, Hold, holds
from dsr_verifier.ports import LedgerRequest, Pair
from dsr_wire import terms
from dsr_wire.codec.amendments import Amendment, DueDateMoved, LeftCohort, PlanChanged
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced, ObligationSettled, Stopped
from dsr_wire.terms import in_order

__all__ = ["amended", "breaches", "held", "stands"]

_ERASING = frozenset({Disposition.ERASED, Disposition.PARTIALLY_EXEMPT})
"""The answers that say that something was erased."""


def amended(request: LedgerRequest, one: Amendment) -> LedgerRequest | None:
    """Return a request as an amendment makes it, or none where it cannot be applied.

    Of two amendments that speak of the same thing the one with the higher revision counts, whichever
    came first; of two endings the earlier one.
    """
    if one.cohort_id != request.home_cohort_id:
        return None
    later = [other.change for other in request.amendments if other.revision > one.revision]
    known = tuple(sorted((*request.amendments, one), key=in_order))
    opened = request.systems if request.opened is None else request.opened
    with_it = replace(request, amendments=known, opened=opened)
    match one.change:
        case LeftCohort() | DueDateMoved() as change:
            is_last = not any(isinstance(other, type(change)) for other in later)
            return _moved(with_it, change) if is_last else with_it
        case PlanChanged():
            return _replanned(with_it)
        case Stopped():
            first = next(other.change for other in known if isinstance(other.change, Stopped))
            return replace(with_it, stopping=first.outcome)
        case HoldPlaced() | HoldLifted():
            return with_it
        case ObligationSettled(disposition=disposition):
            return with_it if disposition in CONFIRMING[request.right] | STOPPING else None


def _moved(request: LedgerRequest, change: LeftCohort | DueDateMoved) -> LedgerRequest:
    if isinstance(change, LeftCohort):
        return replace(request, cohort_id=change.to_cohort_id)
    return replace(request, due_at=change.due_at)


def _replanned(request: LedgerRequest) -> LedgerRequest | None:
    systems = request.owing.systems
    if not systems:
        return None
    return replace(request, systems=systems, registry_digest=request.plans[-1].registry_digest)


def stands(
    request: LedgerRequest, system_id: SystemId, answers: Collection[Acknowledgement]
) -> Standing:
    """Say where an obligation stands, given every answer of its system.

    Of a system that has taken over another's data only what it answered since counts: what it had
    said before is evidence, and neither confirms nor contradicts.
    """
    looks_again = system_id in request.looks_again
    if not request.amendments:
        return standing(answers, looks_again=looks_again)
    return terms.stands(
        request.owing,
        request.amendments,
        system_id,
        answers,
        right=request.right,
        stopping=request.stopping is not None,
        looks_again=looks_again,
    )


def held(request: LedgerRequest) -> list[SystemId]:
    """Return the systems in which erasure is suspended now, sorted.

    A hold on a retired system goes on in the one that has its data now.
    """
    in_force = [one for one in holds(request.amendments) if one.lifted_at is None]
    owing = request.owing
    return sorted(
        one
        for one in request.systems
        for names in [(one, *(each.retired for each in owing.before(one)))]
        if any(hold.covers(name) for hold in in_force for name in names)
    )


def breaches(
    request: LedgerRequest, answers: Mapping[Pair, Collection[Acknowledgement]]
) -> Iterator[Breach]:
    """Yield the first erasure of each system under each hold, by the times that the systems give."""
    owing = request.owing
    for hold in holds(request.amendments):
        for (request_id, system_id), given in answers.items():
            if request_id != request.request_id:
                continue
            inherited = [one.since for one in owing.before(system_id) if hold.covers(one.retired)]
            since = hold.placed_at if hold.covers(system_id) else min(inherited, default=None)
            if since is None:
                continue
            erased = [
                one
                for one in given
                if one.settled_by is None and one.answered_at >= since and _is_under(one, hold)
            ]
            if erased:
                first = min(erased, key=lambda one: (one.answered_at, one.sequence))
                yield Breach(request_id, system_id, hold.hold_id, first.sequence, first.answered_at)


def _is_under(one: Acknowledgement, hold: Hold) -> bool:
    return (
        one.disposition in _ERASING
        and one.answered_at >= hold.placed_at
        and (hold.lifted_at is None or one.answered_at < hold.lifted_at)
    )
