"""One workflow a cohort: open its obligations, notify, wait, remind, and end when all is answered.

It learns one fact only, that no member is open any more, and it reads that fact from intake: at a
hint, and at every tier whether or not a hint came. So its history does not grow with the systems or
with the members. Each line that waits says what wakes it; nothing here waits for a system.

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
)

_TRY_TIMEOUT = timedelta(seconds=60)
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)
_FIRST_OVERDUE_READ = timedelta(hours=1)
_LONGEST_BETWEEN_READS = timedelta(days=1)


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
            self._tell(_waiting(self._position))
            hinted = await self._hint_before(self._position)
            progress: CohortProgress = await self._surely(
                READ_COHORT, order.cohort_id, CohortProgress
            )
            if progress.open_members == 0:
                return self._end(self._position)
            if not hinted:
                self._position = await self._pass_tier(self._position)
            self._continue_if_long()

    async def _begin(self, order: Order) -> Position:
        self._tell("opening obligations")
        opened: Opened = await self._surely(OPEN_AND_NOTIFY, order, Opened)
        if opened.next is not None:
            self._tell(f"notifying {opened.systems} systems")
            await self._notify(Sending(order=order, first=opened.next, only=opened.only))
        remind_at = workflow.now() + timedelta(seconds=order.remind_after_s)
        next_at = min(remind_at, order.due_at)
        return Position(
            state=State.OPEN, next_at=next_at, systems=opened.systems, notified_at=workflow.now()
        )

    async def _notify(self, sending: Sending) -> None:
        while True:
            sent: Sent = await self._surely(NOTIFY, sending, Sent)
            if sent.next is None:
                return
            sending = replace(sending, first=sent.next)

    async def _hint_before(self, position: Position) -> bool:
        """Wait for a hint, at most until the next tier; tell which of them came."""
        if not self._hinted:
            remaining = max(position.next_at - workflow.now(), timedelta())
            try:
                await workflow.wait_condition(
                    lambda: self._hinted, timeout=remaining, timeout_summary=position.state
                )
            except TimeoutError:
                return False
        self._hinted = False
        return True

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
        await self._notify(Sending(order=self._order, reminder=number))
        return replace(position, reminders=number)

    async def _surely(self, activity: str, argument: object, kind: type[Any]) -> Any:
        """Run a local activity until it succeeds.

        It never gives up: a cohort is a legal duty, and a failed workflow would hide it. What is in
        the way is told in the workflow's details and in its history, and counted by the activity.
        """
        pause = _FIRST_PAUSE
        while True:
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
                before = self._progress
                fault = error.cause or error
                self._tell(f"{before}; held up at {activity}: {fault}")
                if (
                    isinstance(argument, Sending)
                    and isinstance(fault, ApplicationError)
                    and fault.type == UNTOLD
                ):
                    argument = replace(argument, only=list(fault.details))
            await workflow.sleep(pause, summary=f"before {activity} is tried again")
            self._continue_if_long()
            self._tell(before)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _continue_if_long(self) -> None:
        """Go on in a new history before this one nears Temporal's limit; at months of waiting."""
        if workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(replace(self._order, position=self._position))

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


def _lacks_reminder(position: Position) -> bool:
    """Tell whether an overdue cohort was never reminded, and has had an hour since its notice.

    So it is with one that was late when it came, and where the reminder is set to come after the
    legal date.
    """
    if position.reminders or position.notified_at is None:
        return False
    return workflow.now() - position.notified_at >= _FIRST_OVERDUE_READ


def _waiting(position: Position) -> str:
    after = "" if position.state == State.OPEN else f", {position.state}"
    return f"waiting for answers until {position.next_at:%Y-%m-%d %H:%M} UTC{after}"
