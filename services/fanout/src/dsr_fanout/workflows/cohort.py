"""One workflow a cohort: open its obligations, notify, wait, pass tiers, and end when all is answered.

Where it is not proven who asks, nothing is opened before the proof.

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
    DUE_AT,
    FEW_TRIES,
    GIVE_UP_IDENTITY,
    IDENTITY_SIGNAL,
    NOTIFY,
    OPEN_AND_NOTIFY,
    PROGRESS_QUERY,
    READ_COHORT,
    STATE,
    TELL_TIER,
    TOLD_BESIDE_THE_TIERS,
    UNTOLD,
    WORKFLOW,
    CohortProgress,
    Ended,
    Opened,
    Order,
    Position,
    Reached,
    Sending,
    Sent,
    State,
    Unsent,
    Verified,
)

_TRY_TIMEOUT = timedelta(seconds=60)
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)
_FIRST_OVERDUE_READ = timedelta(hours=1)
_LONGEST_BETWEEN_READS = timedelta(days=1)
_GRACE = timedelta(hours=1)
"""What systems get after the first notice where tiers had passed before it."""

_REMIND, _BREACH = "remind_systems", "record_breach"
"""Actions of tiers that are told apart here; all others are told to people."""

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
        self._is_proven = order.verify_identity_by is None
        self._progress = "starting"
        self._held_up = ""
        self._is_tier_untold = False
        self._unsent = list(order.position.unsent) if order.position else []
        self._retry_at = workflow.now()
        self._pause = _FIRST_PAUSE

    @workflow.signal(name=ANSWERED_SIGNAL)
    def answered(self) -> None:
        """Take the hint that every member may be answered; it is read again before it is believed."""
        self._hinted = True

    @workflow.signal(name=IDENTITY_SIGNAL)
    def identity_verified(self, verified: Verified) -> None:
        """Take it as proven who asks, with the dates that count from then on; only the first time."""
        if not self._is_proven:
            self._is_proven = True
            self._order = replace(
                self._order,
                due_at=verified.due_at,
                tiers=verified.tiers,
                verify_identity_by=None,
            )

    @workflow.query(name=PROGRESS_QUERY)
    def progress(self) -> str:
        """Say in words where the cohort stands, and what is in the way if something is."""
        return self._progress

    @workflow.run
    async def run(self, order: Order) -> Ended:
        """Orchestrate the cohort; return when intake says that no member is open."""
        if not self._is_proven and not await self._proven(order):
            return self._end(
                Position(state=State.AWAITING_IDENTITY, next_at=workflow.now(), systems=0)
            )
        if self._position is None:
            self._position = await self._begin(self._order)
        while True:
            is_held_up = self._unsent or self._is_tier_untold
            self._tell(_waiting(self._position, self._held_up if is_held_up else ""))
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

    async def _proven(self, order: Order) -> bool:
        """Wait until it is proven who asks; false where it has ended without, as intake says."""
        until = order.verify_identity_by or workflow.now()
        while not self._is_proven:
            self._tell(f"waiting for the proof of who asks until {until:%Y-%m-%d %H:%M} UTC")
            step = READ_COHORT
            try:
                await workflow.wait_condition(
                    lambda: self._is_proven or self._hinted,
                    timeout=max(until - workflow.now(), timedelta()),
                    timeout_summary=State.AWAITING_IDENTITY,
                )
            except TimeoutError:
                # Should the proof have come first there, its command is on its way here.
                step, until = GIVE_UP_IDENTITY, workflow.now() + _FIRST_OVERDUE_READ
            if not self._is_proven:
                self._hinted = False
                progress: CohortProgress = await self._surely(step, order.cohort_id, CohortProgress)
                if progress.open_members == 0:
                    return False
        workflow.upsert_search_attributes(
            [STATE.value_set(State.OPEN), DUE_AT.value_set(self._order.due_at)]
        )
        return True

    async def _begin(self, order: Order) -> Position:
        self._tell("opening obligations")
        opened: Opened = await self._surely(OPEN_AND_NOTIFY, order, Opened)
        if opened.next is not None:
            self._tell(f"notifying {opened.systems} systems")
            await self._notify(Unsent(first=opened.next, only=opened.only))
        now = workflow.now()
        if order.tiers:
            next_at = order.tiers[0].at if order.tiers[0].at > now else now + _GRACE
        else:
            next_at = min(now + timedelta(seconds=order.remind_after_s), order.due_at)
        return Position(state=State.OPEN, next_at=next_at, systems=opened.systems, notified_at=now)

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
        """Do what the tiers call for that have come, each action once; then say when to look again."""
        if not self._order.tiers:
            return await self._pass_reminder(position)
        tiers, now = self._order.tiers, workflow.now()
        state, passed = position.state, position.tiers
        done: set[str] = set()
        while passed < len(tiers) and tiers[passed].at <= now:
            action = tiers[passed].action
            if action not in done and not await self._act(action, position):
                return replace(position, tiers=passed, next_at=now + _LONGEST_PAUSE)
            if action == _REMIND and action not in done:
                position = replace(position, reminders=position.reminders + 1)
            done.add(action)
            state = _after(action)
            passed += 1
        reads = position.overdue_reads
        if passed < len(tiers):
            next_at = tiers[passed].at
        else:
            # The cap on the exponent keeps the number small; the interval is capped long before.
            interval = min(_FIRST_OVERDUE_READ * 2 ** min(reads, 8), _LONGEST_BETWEEN_READS)
            next_at, reads = now + interval, reads + 1
        if state != position.state:
            workflow.upsert_search_attributes([STATE.value_set(state)])
        return replace(position, state=state, tiers=passed, next_at=next_at, overdue_reads=reads)

    async def _act(self, action: str, position: Position) -> bool:
        """Do what a tier calls for; false where it could not be told to people now."""
        if action == _REMIND:
            await self._remind(position)
            return True
        self._tell(f"telling of {action}")
        try:
            await self._run(TELL_TIER, Reached(order=self._order, action=action), int)
        except _HeldUp as held_up:
            self._held_up = str(held_up)
            self._is_tier_untold = True
            return False
        self._is_tier_untold = False
        return True

    async def _pass_reminder(self, position: Position) -> Position:
        """Pass the tiers of an order from before there were rules: a reminder, and the legal date."""
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


def _after(action: str) -> str:
    """Return the state after a tier."""
    if action == _REMIND:
        return State.REMINDED
    return State.OVERDUE if action == _BREACH else State.ESCALATED


def _lacks_reminder(position: Position) -> bool:
    """Tell whether an overdue cohort was never reminded, and has had an hour since its notice.

    So it is with one that was late when it came, and where the reminder is set to come after the
    legal date.
    """
    if position.reminders or position.notified_at is None:
        return False
    return workflow.now() - position.notified_at >= _FIRST_OVERDUE_READ


def _waiting(position: Position, held_up: str) -> str:
    after = "" if position.state == State.OPEN else f", {position.state}"
    after += f"; {held_up}" if held_up else ""
    return f"waiting for answers until {position.next_at:%Y-%m-%d %H:%M} UTC{after}"
