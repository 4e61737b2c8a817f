"""One workflow a cohort: open its obligations, notify, wait, remind, and end when all is answered.

It learns one fact only, that no member is open any more, and it reads that fact from intake: at a
hint, and at every tier whether or not a hint came. So its history does not grow with the systems or
with the members. Each line that waits says what wakes it; nothing here waits for a system. Who cannot
be told is tried again beside the tiers and holds up none of them.

This module is loaded anew for every workflow. It imports the standard library, Temporal and `orders`;
anything more costs each request dearly (see the README).
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from dsr_fanout.orders import (
    ANSWERED_SIGNAL,
    FEW_TRIES,
    NOTIFY,
    OPEN_AND_NOTIFY,
    PROGRESS_QUERY,
    READ_COHORT,
    STATE,
    TOLD_BESIDE_THE_TIERS,
    UNTOLD,
    WORKFLOW,
    CohortProgress,
    Ended,
    Opened,
    Order,
    Position,
    Sending,
    Sent,
    State,
    Unsent,
)

_TRY_TIMEOUT = timedelta(seconds=60)
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)
_FIRST_OVERDUE_READ = timedelta(hours=1)
_LONGEST_BETWEEN_READS = timedelta(days=1)

_HINT, _TIER, _RETRY = "hint", "tier", "retry"
"""What ends a wait."""


@workflow.defn(name=WORKFLOW)
class CohortWorkflow:
    """Sees one cohort through to its last answer."""

    @workflow.init
    def __init__(self, order: Order) -> None:
        self._order = order
        self._position = order.position
        # Between two histories a hint may have come: what goes on reads before it waits.
        self._hinted = order.position is not None
        self._progress = "starting"
        self._held_up = ""
        self._unsent = list(order.position.unsent) if order.position else []
        self._retry_at = workflow.now()
        self._pause = _FIRST_PAUSE

    @workflow.signal(name=ANSWERED_SIGNAL)
    def answered(self) -> None:
        """Take the hint that every member may be answered; it is read again before it is believed."""
        self._hinted = True

    @workflow.query(name=PROGRESS_QUERY)
    def progress(self) -> str:
        """Say in words where the cohort stands, and what is in the way if something is."""
        return self._progress

    @workflow.run
    async def run(self, order: Order) -> Ended:
        """Orchestrate the cohort; return when intake says that no member is open."""
        if self._position is None:
            self._position = await self._begin(order)
        while True:
            self._tell(_waiting(self._position, self._unsent, self._held_up))
            woken = await self._woken(self._position)
            if woken == _RETRY:
                await self._retry()
                self._continue_if_long()
                continue
            progress: CohortProgress = await self._surely(
                READ_COHORT, order.cohort_id, CohortProgress
            )
            if progress.open_members == 0:
                return self._end(self._position)
            if woken == _TIER:
                self._position = await self._pass_tier(self._position)
            self._continue_if_long()

    async def _begin(self, order: Order) -> Position:
        self._tell("opening obligations")
        opened: Opened = await self._surely(OPEN_AND_NOTIFY, order, Opened)
        if opened.next is not None:
            self._tell(f"notifying {opened.systems} systems")
            await self._notify(Unsent(first=opened.next, only=opened.only))
        remind_at = workflow.now() + timedelta(seconds=order.remind_after_s)
        next_at = min(remind_at, order.due_at)
        return Position(
            state=State.OPEN, next_at=next_at, systems=opened.systems, notified_at=workflow.now()
        )

    async def _notify(self, unsent: Unsent) -> None:
        """Send notices to all who can be told; what is left is kept, to be tried again."""
        left = await self._send(unsent)
        if left is not None:
            self._unsent.append(left)
            self._pause = _FIRST_PAUSE
            self._retry_at = workflow.now() + self._pause

    async def _retry(self) -> None:
        """Try everything once more that could not be sent, then pause longer than before."""
        unsent, self._unsent = self._unsent, []
        for one in unsent:
            left = await self._send(one)
            if left is not None:
                self._unsent.append(left)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        self._retry_at = workflow.now() + self._pause

    async def _send(self, unsent: Unsent) -> Unsent | None:
        """Send notices; return what is left where some cannot be sent now."""
        pause = _FIRST_PAUSE
        while True:
            sending = Sending(
                order=self._order, reminder=unsent.reminder, first=unsent.first, only=unsent.only
            )
            try:
                sent: Sent = await self._run(NOTIFY, sending, Sent)
            except _HeldUp as held_up:
                unsent = replace(unsent, only=held_up.untold or unsent.only)
                self._held_up = str(held_up)
                if workflow.patched(TOLD_BESIDE_THE_TIERS):
                    return unsent
                await self._wait_out(pause, held_up)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                if sent.next is None:
                    return None
                unsent, pause = replace(unsent, first=sent.next), _FIRST_PAUSE

    async def _woken(self, position: Position) -> str:
        """Wait for a hint, at most until the next tier or the next try; tell which of them came."""
        if not self._hinted:
            until = min(position.next_at, self._retry_at) if self._unsent else position.next_at
            try:
                await workflow.wait_condition(
                    lambda: self._hinted,
                    timeout=max(until - workflow.now(), timedelta()),
                    timeout_summary=position.state,
                )
            except TimeoutError:
                is_retry = bool(self._unsent) and workflow.now() < position.next_at
                return _RETRY if is_retry else _TIER
        self._hinted = False
        return _HINT

    async def _pass_tier(self, position: Position) -> Position:
        if position.state == State.OPEN and workflow.now() < self._order.due_at:
            after = replace(
                await self._remind(position), state=State.REMINDED, next_at=self._order.due_at
            )
        else:
            if _lacks_reminder(position):
                position = await self._remind(position)
            reads = position.overdue_reads
            # The cap on the exponent keeps the number small; the interval is capped long before.
            interval = min(_FIRST_OVERDUE_READ * 2 ** min(reads, 8), _LONGEST_BETWEEN_READS)
            after = replace(
                position,
                state=State.OVERDUE,
                next_at=workflow.now() + interval,
                overdue_reads=reads + 1,
            )
        if after.state != position.state:
            workflow.upsert_search_attributes([STATE.value_set(after.state)])
        return after

    async def _remind(self, position: Position) -> Position:
        number = position.reminders + 1
        self._tell(f"sending reminder {number}")
        await self._notify(Unsent(reminder=number))
        return replace(position, reminders=number)

    async def _surely(self, activity: str, argument: object, kind: type[Any]) -> Any:
        """Run a local activity until it succeeds.

        It never gives up: a cohort is a legal duty, and a failed workflow would hide it. What is in
        the way is told in the workflow's details and in its history, and counted by the activity.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._run(activity, argument, kind)
            except _HeldUp as held_up:
                await self._wait_out(pause, held_up)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _run(self, activity: str, argument: object, kind: type[Any]) -> Any:
        """Run a local activity; raises a _HeldUp after a few tries."""
        try:
            return await workflow.execute_local_activity(
                activity,
                argument,
                result_type=kind,
                start_to_close_timeout=_TRY_TIMEOUT,
                retry_policy=FEW_TRIES,
            )
        except FailureError as error:
            # A local activity's failure comes as itself; others are wrapped in an ActivityError.
            if is_cancelled_exception(error):
                raise
            raise _HeldUp(activity, error.cause or error) from error

    async def _wait_out(self, pause: timedelta, held_up: "_HeldUp") -> None:
        before = self._progress
        self._tell(f"{before}; {held_up}")
        await workflow.sleep(pause, summary=f"before {held_up.activity} is tried again")
        self._continue_if_long()
        self._tell(before)

    def _continue_if_long(self) -> None:
        """Go on in a new history before this one nears Temporal's limit; at months of waiting."""
        if workflow.info().is_continue_as_new_suggested():
            position = self._position and replace(self._position, unsent=self._unsent)
            workflow.continue_as_new(replace(self._order, position=position))

    def _end(self, position: Position) -> Ended:
        self._tell("every member is answered")
        return Ended(
            requests=len(self._order.request_ids),
            systems=position.systems,
            reminders=position.reminders,
            was_overdue=position.state == State.OVERDUE,
        )

    def _tell(self, progress: str) -> None:
        self._progress = progress
        workflow.set_current_details(progress)


class _HeldUp(Exception):  # noqa: N818 - what has happened, not an error of the workflow
    """A local activity has failed for now; the text says which, and why."""

    def __init__(self, activity: str, fault: BaseException) -> None:
        super().__init__(f"held up at {activity}: {fault}")
        self.activity = activity
        self.untold: list[str] = []
        """Who was not told, where all others were."""
        if isinstance(fault, ApplicationError) and fault.type == UNTOLD:
            self.untold = list(fault.details)


def _lacks_reminder(position: Position) -> bool:
    """Tell whether an overdue cohort was never reminded, and has had an hour since its notice.

    So it is with one that was late when it came, and where the reminder is set to come after the
    legal date.
    """
    if position.reminders or position.notified_at is None:
        return False
    return workflow.now() - position.notified_at >= _FIRST_OVERDUE_READ


def _waiting(position: Position, unsent: list[Unsent], held_up: str) -> str:
    after = "" if position.state == State.OPEN else f", {position.state}"
    after += f"; {held_up}" if unsent else ""
    return f"waiting for answers until {position.next_at:%Y-%m-%d %H:%M} UTC{after}"
