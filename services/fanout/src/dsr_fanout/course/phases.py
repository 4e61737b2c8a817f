"""Phases of a plan: who erases later is told once those before have confirmed, or its date has come.

An order never makes a date be missed: at the first tier everybody is told. A plan of one phase never
comes here, so that its history is as long as if there were none.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

from dsr_fanout.course.apart import held, holds_all, is_silent
from dsr_fanout.course.notices import Notices
from dsr_fanout.course.steps import FIRST_PAUSE, LONGEST_PAUSE, HeldUp, Steps
from dsr_fanout.orders import READ_PHASES, Apart, CohortPhases, Order, Position, Unsent

__all__ = ["Phases"]


class Phases:
    """How far one workflow has come with the phases of its plan."""

    def __init__(self, steps: Steps, notices: Notices, position: Position | None) -> None:
        self._steps = steps
        self._notices = notices
        self._count = position.phases if position else 1
        self.told = position.phase if position else 0
        """The last phase that was told."""

        # Between two histories a hint may have come.
        self._hinted = position is not None
        self._pause: timedelta = FIRST_PAUSE
        self._retry_at: datetime | None = None
        self._is_due = False
        """A date came while nobody could be told."""

    @property
    def below(self) -> int:
        """The first phase that was not told; 0 where all were."""
        return self.told + 1 if self.told + 1 < self._count else 0

    @property
    def waiting(self) -> str:
        """What is said of it to people; nothing where nobody waits."""
        return f"; {self.below} of {self._count} phases are told" if self.below else ""

    def hint(self) -> None:
        """Take the hint that a phase is confirmed; it is read again before it is believed."""
        self._hinted = True

    def learn(self, count: int) -> None:
        """Take in how many phases the plan has, and look how far they have come."""
        if count > self._count:
            self._count, self._hinted = count, True

    def begin(self, count: int) -> None:
        """Take in how many phases the plan has whose first is told."""
        self._count = count

    def carried(self, position: Position) -> Position:
        """Return a position with how far the phases have come, for a new history."""
        return replace(position, phases=self._count, phase=self.told)

    def is_ready(self, apart: Apart) -> bool:
        """Tell whether it is time to read how far the phases have come."""
        until = self.wait_until(apart)
        return until is not None and until <= workflow.now()

    def wait_until(self, apart: Apart) -> datetime | None:
        """Return when it is time to read; none while nothing is hinted, or nobody may be told."""
        if not (self._hinted and self.below) or _is_kept(apart):
            return None
        return self._retry_at or workflow.now()

    async def follow(self, order: Order, apart: Apart) -> None:
        """Tell the phases whose turn has come; where that cannot be read now, look again later."""
        self._hinted = False
        self._steps.tell("reading how far the phases have come")
        try:
            read: CohortPhases = await self._steps.once(READ_PHASES, order.cohort_id, CohortPhases)
        except HeldUp:
            self._hinted = True
            self._retry_at = workflow.now() + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            return
        self._retry_at, self._pause = None, FIRST_PAUSE
        await self._tell(order, apart, until=read.confirmed, is_due=False)
        if self._is_due:
            await self._tell(order, apart, until=self._count, is_due=True)

    async def come_due(self, order: Order, apart: Apart) -> None:
        """Tell everybody, since a date has come; on record is who was told before their turn."""
        self._hinted = self._is_due = bool(self.below)
        if not self.below or _is_kept(apart):
            return
        await self.follow(order, apart)
        await self._tell(order, apart, until=self._count, is_due=True)

    async def _tell(self, order: Order, apart: Apart, *, until: int, is_due: bool) -> None:
        while self.below and self.told < until:
            self.told += 1
            self._steps.tell(f"notifying the systems of phase {self.told + 1} of {self._count}")
            later = Unsent(
                phase=self.told,
                is_due=is_due,
                revision=apart.revision if apart.has_left else 0,
                left_out=held(apart),
            )
            await self._notices.send(order, later)


def _is_kept(apart: Apart) -> bool:
    """Tell whether nobody may be told now: the request is stopped, held as a whole, or unclear."""
    return bool(apart.outcome) or holds_all(apart) or is_silent(apart)
