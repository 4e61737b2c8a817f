"""Amending: what a person's decision changes in what is owed, told to the ledger in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_fanout.application.records import home_of, record
from dsr_fanout.orders import Decided, Taken
from dsr_fanout.ports import Publisher
from dsr_wire.codec.amendments import (
    Amendment,
    Change,
    DueDateMoved,
    LeftCohort,
    amendment_to_wire,
)
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced, ObligationSettled, Stopped
from dsr_wire.topics import OBLIGATIONS

__all__ = ["Amending"]


class Amending:
    """Tells the ledger what decisions change."""

    def __init__(self, *, publisher: Publisher) -> None:
        self._publisher = publisher

    async def amend(self, taken: Taken, *, at: datetime) -> int:
        """Publish what a decision changes, in order; return how many amendments.

        Safe to repeat, since an event's id depends on the request, the revision and the kind alone.
        That a request leaves its home cohort comes before all else.

        Raises:
            Unavailable: Kafka is away.
        """
        order, decided = taken.order, taken.decided
        [request_id] = order.request_ids
        records = [
            record(
                amendment_to_wire(
                    Amendment(
                        cohort_id=CohortId(home_of(order)),
                        request_id=RequestId(request_id),
                        revision=decided.revision,
                        amended_at=at,
                        effective_at=decided.effective_at,
                        change=change,
                    )
                ),
                order,
                topic=OBLIGATIONS,
                event_id=f"{request_id}/amended/{decided.revision}/{name}",
                at=at,
            )
            for name, change in _changes(taken)
        ]
        if records:
            await self._publisher.publish(records)
        return len(records)


def _changes(taken: Taken) -> Iterator[tuple[str, Change]]:
    if taken.leaves:
        yield "left_cohort", LeftCohort(CohortId(taken.order.cohort_id))
    change = _change(taken.decided)
    if change is not None:
        yield taken.decided.kind, change


def _change(decided: Decided) -> Change | None:
    match decided.kind:
        case "stopped":
            return Stopped(Outcome(decided.outcome))
        case "hold_placed":
            return HoldPlaced(decided.hold_id, tuple(SystemId(one) for one in decided.system_ids))
        case "hold_lifted":
            return HoldLifted(decided.hold_id)
        case "deadline_extended" | "clarification_given":
            return DueDateMoved(decided.due_at)
        case "obligation_settled" if decided.settled is not None:
            return ObligationSettled(
                system_id=SystemId(decided.settled.system_id),
                disposition=Disposition(decided.settled.disposition),
                proposed_by=decided.settled.proposed_by,
                approved_by=decided.settled.approved_by,
                reason=decided.settled.reason,
            )
        case "clarification_asked" | "identity_expanded":
            return None
        case other:
            detail = f"{other} is newer than this version"
            raise RejectedInput("unknown_command", detail, field="kind")
