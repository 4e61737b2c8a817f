"""Settling: what new answers change. A pure function between what was read and what is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from dsr_core.acknowledgements import Acknowledgement, Standing
from dsr_core.closing import Closed, Obligation, closing
from dsr_core.ids import RequestId, SystemId
from dsr_verifier.application.terms import stands
from dsr_verifier.ports import Answer, LedgerRequest, Pair, Settled, Settlement
from dsr_wire.codec.closures import Closure

__all__ = ["close", "contradicted", "grouped", "move"]

UNANSWERED = Standing(None, is_confirmed=False, is_contradicted=False, contradictions=0)
"""Where an obligation stands that no one has answered."""


def grouped(answers: Iterable[Answer]) -> dict[Pair, list[Acknowledgement]]:
    """Return answers by the obligation that they are for."""
    groups: defaultdict[Pair, list[Acknowledgement]] = defaultdict(list)
    for answer in answers:
        groups[answer.pair].append(answer.acknowledgement)
    return groups


def move(
    requests: Mapping[RequestId, LedgerRequest],
    before: Mapping[Pair, Standing],
    answers: Mapping[Pair, Collection[Acknowledgement]],
) -> Settlement:
    """Say which obligations stand elsewhere now, and how many of each request are still open.

    Args:
        requests: The requests, locked.
        before: Where the touched obligations stood; absent where no one had answered.
        answers: Every answer to each touched obligation that its system has given.
    """
    settlement = Settlement()
    moved: defaultdict[RequestId, int] = defaultdict(int)
    for pair, all_answers in answers.items():
        earlier = before.get(pair, UNANSWERED)
        request_id, system_id = pair
        request = requests[request_id]
        now = stands(request, system_id, all_answers)
        if now == earlier:
            continue
        settlement.obligations.append(Settled(request_id, system_id, now))
        if now.is_confirmed and not earlier.is_confirmed:
            settlement.confirmed.append(pair)
        settlement.contradictions += now.contradictions - earlier.contradictions
        if system_id in request.systems:
            moved[request_id] += earlier.is_confirmed - now.is_confirmed
    settlement.open_counts = {
        request_id: requests[request_id].open_count + delta
        for request_id, delta in moved.items()
        if delta
    }
    return settlement


def close(
    settlement: Settlement,
    requests: Mapping[RequestId, LedgerRequest],
    recorded: Mapping[RequestId, Mapping[SystemId, Standing]],
    at: datetime,
) -> None:
    """Add the closures of those requests that nothing holds open any more.

    The counter only says when to ask; the rule decides, over every obligation.

    Args:
        settlement: What `move` said; closures and stuck requests are added to it.
        requests: The requests, locked.
        recorded: Where all obligations stood before, for each request whose counter is zero now.
        at: When.
    """
    fresh: defaultdict[RequestId, dict[SystemId, Standing]] = defaultdict(dict)
    for one in settlement.obligations:
        fresh[one.request_id][one.system_id] = one.standing
    for request_id, earlier in recorded.items():
        request = requests[request_id]
        standings = {**earlier, **fresh[request_id]}
        obligations = [
            Obligation(system_id, standings.get(system_id, UNANSWERED))
            for system_id in request.systems
        ]
        match closing(request.expected, obligations, stopping=request.stopping):
            case Closed(outcome, evidence_digest):
                settlement.closures.append(
                    Closure(
                        request_id=request_id,
                        cohort_id=request.cohort_id,
                        right=request.right,
                        outcome=outcome,
                        closed_at=at,
                        obligations=request.expected,
                        evidence_digest=evidence_digest,
                        registry_digest=request.registry_digest,
                    )
                )
            case _:
                settlement.stuck.append(request_id)


def contradicted(
    requests: Mapping[RequestId, LedgerRequest],
    answers: Mapping[Pair, Collection[Acknowledgement]],
) -> dict[Pair, bool]:
    """Say of obligations of closed requests whether their answers speak against the closure by now.

    They do while all of them together, those after the closing included, do not confirm: data that was
    said to be gone is still there. A later answer that confirms ends that. A system that had retired
    from the plan is no part of the closure, and is left out.
    """
    return {
        (request_id, system_id): not stands(request, system_id, given).is_confirmed
        for (request_id, system_id), given in answers.items()
        if system_id in (request := requests[request_id]).systems
    }
