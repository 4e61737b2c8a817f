"""Tiers: what is done as a legal date comes near, and when a cohort is looked at again after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

from dsr_fanout.course.apart import PERFORM, STOP, held, holds_all, is_silent
from dsr_fanout.course.notices import Notices
from dsr_fanout.course.phases import Phases
from dsr_fanout.course.steps import LONGEST_PAUSE, HeldUp, Steps
from dsr_fanout.orders import (
    TELL_TIER,
    Apart,
    Decided,
    Order,
    Position,
    Reached,
    State,
    Tier,
    Unsent,
)

__all__ = ["FIRST_OVERDUE_READ", "Tiers", "beginning", "first_has_come", "redated"]

FIRST_OVERDUE_READ = timedelta(hours=1)
_LONGEST_BETWEEN_READS = timedelta(days=1)
_GRACE = timedelta(hours=1)
"""What systems get after the first notice, or after being stopped, where dates had passed before it."""

_REMIND, _BREACH = "remind_systems", "record_breach"
"""Actions of tiers that are told apart here; all others are told to people."""


class Tiers:
    """Passes the tiers of one workflow."""

    def __init__(self, steps: Steps, notices: Notices, phases: Phases) -> None:
        self._steps = steps
        self._notices = notices
        self._phases = phases
        self.held_up = ""
        """What keeps a tier from being told to people; empty where nothing does."""

    async def passed(self, order: Order, apart: Apart, position: Position) -> Position:
        """Do what the tiers call for that have come, each action once; then say when to look again.

        While the person is asked what is meant, nobody is reminded or told: what has come meanwhile is
        done after it, if its date still lies in the past then. Only that the legal date has passed is
        put on record: an order whose clock stands still has no tiers.

        Whoever waits for an earlier phase is told at the first of them, and not reminded at once.
        """
        if is_silent(apart) and not _is_breached(order, position):
            return _looked(order, position)
        now, below = workflow.now(), self._phases.below
        if not order.tiers or first_has_come(order):
            await self._phases.come_due(order, apart)
        if not order.tiers:
            return await self._pass_reminder(order, apart, position, below)
        tiers = order.tiers
        state, passed = position.state, position.tiers
        done: set[str] = set()
        while passed < len(tiers) and tiers[passed].at <= now:
            action = tiers[passed].action
            if action not in done and not await self._act(
                order, apart, tiers[passed], position, below
            ):
                return replace(position, tiers=passed, next_at=now + LONGEST_PAUSE)
            if action == _REMIND and action not in done and not _is_quiet(apart):
                position = replace(position, reminders=position.reminders + 1)
            done.add(action)
            state = _after(action)
            passed += 1
        return _next(order, apart, replace(position, state=state, tiers=passed), now)

    async def _act(
        self, order: Order, apart: Apart, tier: Tier, position: Position, below: int
    ) -> bool:
        """Do what a tier calls for; false where it could not be told to people now."""
        action = tier.action
        is_breach = action == _BREACH
        if apart.outcome if is_breach else _is_quiet(apart):
            return True
        if action == _REMIND:
            await self._remind(order, apart, position, below)
            return True
        self._steps.tell(f"telling of {action}")
        left_out = [] if is_breach else held(apart)
        try:
            reached = Reached(order=order, action=action, left_out=left_out, at=tier.at)
            await self._steps.once(TELL_TIER, reached, int)
        except HeldUp as held_up:
            self.held_up = str(held_up)
            return False
        self.held_up = ""
        return True

    async def _pass_reminder(
        self, order: Order, apart: Apart, position: Position, below: int
    ) -> Position:
        """Pass the tiers of an order from before there were rules: a reminder, and the legal date."""
        if position.state == State.OPEN and workflow.now() < order.due_at:
            after = await self._remind(order, apart, position, below)
            return replace(after, state=State.REMINDED, next_at=order.due_at)
        if _lacks_reminder(position):
            position = await self._remind(order, apart, position, below)
        return replace(_read_later(position, workflow.now()), state=State.OVERDUE)

    async def _remind(self, order: Order, apart: Apart, position: Position, below: int) -> Position:
        if _is_quiet(apart):
            return position
        number = position.reminders + 1
        self._steps.tell(f"sending reminder {number}")
        reminder = Unsent(
            reminder=number,
            instruction=STOP if apart.outcome else PERFORM,
            revision=apart.revision if apart.has_left else 0,
            left_out=held(apart),
            below=0 if apart.outcome else below,
        )
        await self._notices.send(order, reminder)
        return replace(position, reminders=number)


def first_has_come(order: Order) -> bool:
    """Tell whether the first date has come on which something is to be done, or the legal one."""
    now = workflow.now()
    return order.due_at <= now or any(one.at <= now for one in order.tiers[:1])


def beginning(order: Order, *, systems: int) -> Position:
    """Return where a cohort stands once its first notice has gone out, or where it went apart."""
    now = workflow.now()
    if not order.tiers:
        next_at = min(now + timedelta(seconds=order.remind_after_s), order.due_at)
    elif order.left_at is not None:
        return _at(order, order.left_at, Position(state=State.OPEN, next_at=now, systems=systems))
    else:
        next_at = order.tiers[0].at if order.tiers[0].at > now else now + _GRACE
    return Position(state=State.OPEN, next_at=next_at, systems=systems, notified_at=now)


def redated(
    order: Order, position: Position, decided: Decided, apart: Apart
) -> tuple[Order, Position]:
    """Return order and position under a decision's dates; those of a later decision stay.

    A tier that lay in the past when it was decided was passed, or is passed for ever.

    Args:
        order: The order so far.
        position: The position so far.
        decided: The decision.
        apart: What sets the request apart, with the decision.
    """
    if decided.revision >= apart.dated_at:
        is_moved = (decided.due_at, decided.tiers) != (order.due_at, order.tiers)
        is_earlier = decided.due_at < order.due_at
        order = replace(order, due_at=decided.due_at, tiers=decided.tiers)
        if is_moved and order.tiers:
            # That a date has passed which an extension had hidden was never put on record.
            until = order.due_at - timedelta(microseconds=1) if is_earlier else decided.recorded_at
            position = _at(order, min(until, decided.recorded_at), position)
        elif is_moved:
            position = _without_tiers(order, position)
    now = workflow.now()
    if apart.outcome and order.due_at <= now:
        return order, replace(position, next_at=max(position.next_at, now + _GRACE))
    if apart.outcome:
        return order, replace(position, next_at=min(position.next_at, order.due_at))
    if decided.kind == "clarification_given" and position.tiers < len(order.tiers):
        return order, replace(position, next_at=order.tiers[position.tiers].at)
    return order, position


def _without_tiers(order: Order, position: Position) -> Position:
    """Return the position under another legal date, of an order from before there were rules."""
    if position.state == State.OPEN:
        return replace(position, next_at=min(position.next_at, order.due_at))
    return replace(position, state=State.REMINDED, next_at=order.due_at, overdue_reads=0)


def _at(order: Order, moment: datetime, position: Position) -> Position:
    """Return the position of a cohort of which all tiers to a moment are passed."""
    tiers = order.tiers
    passed = sum(1 for one in tiers if one.at <= moment)
    state = _after(tiers[passed - 1].action) if passed else State.OPEN
    next_at = tiers[passed].at if passed < len(tiers) else workflow.now() + FIRST_OVERDUE_READ
    return replace(position, state=state, tiers=passed, next_at=next_at, overdue_reads=0)


def _next(order: Order, apart: Apart, position: Position, now: datetime) -> Position:
    """Say when to look again: at the next tier, or after a pause that grows to a day.

    Who is being stopped is looked at on the legal date, whether or not there is a tier on it.
    """
    if position.tiers < len(order.tiers):
        position = replace(position, next_at=order.tiers[position.tiers].at)
    else:
        position = _read_later(position, now)
    if apart.outcome and now < order.due_at < position.next_at:
        position = replace(position, next_at=order.due_at)
    return position


def _looked(order: Order, position: Position) -> Position:
    """Pass nothing, and say when to look again."""
    now = workflow.now()
    later = [one for one in (*(tier.at for tier in order.tiers), order.due_at) if one > now]
    return replace(position, next_at=later[0]) if later else _read_later(position, now)


def _is_quiet(apart: Apart) -> bool:
    """Tell whether there is nobody to remind or to tell: the person is asked, or all is held."""
    return is_silent(apart) or holds_all(apart)


def _is_breached(order: Order, position: Position) -> bool:
    """Tell whether the tier of the legal date has come and is not passed."""
    now = workflow.now()
    return any(one.action == _BREACH and one.at <= now for one in order.tiers[position.tiers :])


def _read_later(position: Position, now: datetime) -> Position:
    reads = position.overdue_reads
    # The cap on the exponent keeps the number small; the interval is capped long before.
    interval = min(FIRST_OVERDUE_READ * 2 ** min(reads, 8), _LONGEST_BETWEEN_READS)
    return replace(position, next_at=now + interval, overdue_reads=reads + 1)


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
    return workflow.now() - position.notified_at >= FIRST_OVERDUE_READ
