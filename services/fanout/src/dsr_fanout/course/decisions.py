"""Decisions about one request, as its workflow takes them: in the order of their revisions, each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

from dsr_fanout.course.apart import PERFORM, after, instructed, shown
from dsr_fanout.course.notices import Notices
from dsr_fanout.course.phases import Phases
from dsr_fanout.course.shown import Shown
from dsr_fanout.course.steps import Steps
from dsr_fanout.course.tiers import redated
from dsr_fanout.orders import AMEND, Apart, Decided, Order, Position, Taken

__all__ = ["Decisions"]

_PATIENCE = timedelta(minutes=10)
"""How long a decision waits for one of a lower revision: that is how long a command may wait as well."""

_LATE_LIMIT = 1_000
"""Revisions that are remembered as late; a person does not decide so often about one request."""


class Decisions:
    """The decisions about one request."""

    def __init__(self, steps: Steps, notices: Notices, phases: Phases, apart: Apart | None) -> None:
        self._steps = steps
        self._notices = notices
        self._phases = phases
        self.apart = apart or Apart()
        self._pending = {one.revision: one for one in self.apart.pending}
        self._patience_until: datetime | None = None
        self._mind_gaps()

    @property
    def is_ready(self) -> bool:
        """Whether there is a decision to act upon now."""
        return self._next() is not None

    @property
    def wait_until(self) -> datetime | None:
        """The end of the wait for a decision that others have overtaken; none while none is missing."""
        return self._patience_until

    @property
    def carried(self) -> Apart | None:
        """What a new history begins with; none where nothing was ever decided."""
        pending = [one for _, one in sorted(self._pending.items())]
        apart = replace(self.apart, pending=pending)
        return None if apart == Apart() else apart

    @property
    def has_stopped(self) -> bool:
        """Whether a decision has come by which the request ends without being followed."""
        return bool(self.apart.outcome) or any(
            one.kind == "stopped" for one in self._pending.values()
        )

    def take_in(self, decided: Decided) -> None:
        """Keep a decision until it is acted upon; one that was taken already changes nothing."""
        if decided.revision > self.apart.revision or decided.revision in self.apart.late:
            self._pending.setdefault(decided.revision, decided)
            self._mind_gaps()

    def proven(self, revision: int) -> None:
        """Count the proof of who asks among the revisions: it was one of them."""
        self.apart = replace(self.apart, revision=max(self.apart.revision, revision, 1))

    async def follow(
        self, order: Order, position: Position, shown_as: Shown
    ) -> tuple[Order, Position]:
        """Act upon what has come; return order and position as they are from then on.

        The ledger is told before any system, so that what a system answers finds it.
        """
        self._skip_gap()
        while (decided := self._next()) is not None:
            before = self.apart
            leaves = bool(order.home_cohort_id) and not before.has_left
            self._steps.tell(f"taking decision {decided.revision}, {decided.kind}")
            await self._steps.surely(AMEND, Taken(order=order, decided=decided, leaves=leaves), int)
            self.apart = after(before, decided)
            del self._pending[decided.revision]
            order, position = redated(order, position, decided, self.apart)
            notice = instructed(before, decided)
            if notice is not None:
                self._steps.tell(f"sending {notice.instruction}")
                # A stop goes to who was not told as well: it is their answer that ends what they owe.
                below = self._phases.below if notice.instruction == PERFORM else 0
                await self._notices.send(order, replace(notice, below=below))
            shown_as.show(shown(self.apart, position.state), order.due_at)
        self._mind_gaps()
        return order, position

    def _next(self) -> Decided | None:
        lowest = min(self._pending, default=None)
        if lowest is None or lowest > self.apart.revision + 1:
            return None
        return self._pending[lowest]

    def _mind_gaps(self) -> None:
        """Begin to wait where a decision is missing, and end it where none is."""
        if not self._pending or self._next() is not None:
            self._patience_until = None
        elif self._patience_until is None:
            self._patience_until = workflow.now() + _PATIENCE

    def _skip_gap(self) -> None:
        """Go on without what has not come in time; should it come, it is taken then."""
        if self._patience_until is None or workflow.now() < self._patience_until:
            return
        lowest = min(self._pending)
        missing = range(max(self.apart.revision + 1, lowest - _LATE_LIMIT), lowest)
        late = [*self.apart.late, *missing][-_LATE_LIMIT:]
        self.apart = replace(self.apart, revision=lowest - 1, late=late)
        self._patience_until = None
