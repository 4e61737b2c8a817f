"""Stopping: requests that end without being followed, since they are withdrawn, refused or referred."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from dsr_core.closing import Outcome
from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_core.law.rules import REFUSAL_NOTICE_BY
from dsr_core.law.timeline import Timeline
from dsr_core.lifecycle import Event, State
from dsr_intake.application.answering import Ends, ended
from dsr_intake.application.clock import Clock
from dsr_intake.application.deciding import Deciding, Resolution
from dsr_intake.metrics import Metrics
from dsr_intake.model import Answer, Known, RequestView
from dsr_intake.ports import ClosingStore, DecisionStore, ReadStore
from dsr_wire.codec.decisions import Stopped

__all__ = ["ENDINGS", "Stopping"]

ENDINGS = {
    Event.WITHDRAW: Outcome.WITHDRAWN,
    Event.REFUSE: Outcome.REFUSED,
    Event.REFER: Outcome.REFERRED,
}
"""How a request ends by each decision not to follow it."""


class Stopping:
    """Ends requests: at once where nobody was asked, else once it is known how far each system came."""

    def __init__(
        self,
        *,
        deciding: Deciding,
        reads: ReadStore,
        decisions: DecisionStore,
        closing: ClosingStore,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
    ) -> None:
        self._deciding = deciding
        self._reads = reads
        self._decisions = decisions
        self._closing = closing
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed

    async def withdraw(self, request_id: str, *, client_id: str, reason: str) -> RequestView | None:
        """Stop a request that its requester takes back, by the client that submitted it."""
        return await self._stop(request_id, Event.WITHDRAW, by=f"client {client_id}", reason=reason)

    async def refuse(
        self, request_id: str, *, by: str, ground: str, reason: str, **details: str
    ) -> RequestView | None:
        """Stop a request that is not followed, on a legal ground; details are kept with it.

        After the date by which its person had to be told of a refusal, that breach is kept as well.
        """
        return await self._stop(
            request_id, Event.REFUSE, by=by, reason=reason, ground=ground, **details
        )

    async def breach(self, request_id: str) -> str | None:
        """Return in words by when the person had to be told of a refusal that came later; else none."""
        entries = await self._decisions.entries(request_id)
        late = next((one.details for one in entries if one.details.get("breach")), None)
        if late is None:
            return None
        return f"the person had to be told of a refusal by {late['had_to_be_by']}: {late['rule']}"

    async def refer(
        self, request_id: str, *, by: str, controller: str, pointer: str, reason: str
    ) -> RequestView | None:
        """Stop a request for data that is a customer's, to whom the requester is pointed."""
        return await self._stop(
            request_id, Event.REFER, by=by, reason=reason, controller=controller, pointer=pointer
        )

    async def give_up(self, cohort_id: str) -> None:
        """Close the request of a cohort of one that is stopping, once its legal date has passed.

        It ends as was decided, with what is known of the systems. Safe to repeat; a request that does
        not stop, or has ended, is left as it is.

        Raises:
            RuleViolation: The date has not passed.
        """
        one = await self._reads.any(cohort_id)
        if one is None or one.state is not State.STOPPING:
            return
        now = self._clock()
        if now <= one.due_at:
            detail = f"systems can still say how far they came, until {one.due_at}"
            raise RuleViolation("stopping_still_awaited", detail)
        outcome = await self._outcome(one.request_id)
        ends = Ends(now)
        answered, _ = await self._closing.answer(
            [one.request_id],
            decide=lambda known: _given_up(known, outcome, at=now),
            tell=ends.tell,
            at=now,
        )
        if answered:
            self._metrics.decisions.labels(Event.GIVE_UP_STOPPING.value).inc(answered)
            self._metrics.count_ends(ends.made)
            self._on_committed()

    async def _stop(
        self, request_id: str, event: Event, *, by: str, reason: str, **details: str
    ) -> RequestView | None:
        outcome = ENDINGS[event]
        resolution = Resolution(
            event=event,
            by=by,
            reason=reason,
            decision=Stopped(outcome),
            outcome=outcome,
            details=details,
            note=_lateness if event is Event.REFUSE else _on_time,
        )
        return await self._deciding.decide(request_id, resolution)

    async def _outcome(self, request_id: str) -> Outcome:
        entries = await self._decisions.entries(request_id)
        return next(
            outcome
            for event, outcome in ENDINGS.items()
            if any(entry.kind == event for entry in entries)
        )


def _lateness(before: Timeline, now: datetime) -> Mapping[str, str]:
    """Return the breach that a refusal at a moment is; nothing where it is in time, or no law says."""
    entry = before.entry(REFUSAL_NOTICE_BY)
    # The last second is in time as a whole.
    if entry is None or entry.at is None or now - entry.at < timedelta(seconds=1):
        return {}
    return {"breach": entry.name, "had_to_be_by": entry.at.isoformat(), "rule": entry.rule}


def _on_time(_before: Timeline, _now: datetime) -> Mapping[str, str]:
    return {}


def _given_up(known: Mapping[RequestId, Known], outcome: Outcome, *, at: datetime) -> list[Answer]:
    return [
        ended(request_id, one, Event.GIVE_UP_STOPPING, outcome=outcome, closed_at=at, at=at)
        for request_id, one in known.items()
        if one.state is State.STOPPING
    ]
