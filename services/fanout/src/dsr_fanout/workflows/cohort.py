"""One workflow a cohort: open its obligations, notify, wait, pass tiers, and end when all is answered.

Where it is not proven who asks, nothing is opened before the proof. A request that a person's
decision sets apart has a workflow of its own: it opens nothing that its home cohort's opens, and
takes decisions, each of which amends what is owed and may send systems an instruction.

It learns one fact only, that no member is open any more, and it reads that fact from intake: at a
hint, and at every tier whether or not a hint came. So its history does not grow with the systems or
with the members. Each line that waits says what wakes it; nothing here waits for a system. Who cannot
be told is tried again beside the tiers and holds up none of them. Where the plan has phases, a hint
says that one is confirmed, and the next is told: one hint a phase, whatever its size.

This module is loaded anew for every workflow. It imports the standard library, Temporal, `orders` and
`course`, which are passed through; anything more costs each request dearly (see the README).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

from dsr_fanout.course.apart import shown
from dsr_fanout.course.decisions import Decisions
from dsr_fanout.course.notices import Notices
from dsr_fanout.course.phases import Phases
from dsr_fanout.course.plans import Plans
from dsr_fanout.course.shown import Shown
from dsr_fanout.course.steps import HeldUp, Steps
from dsr_fanout.course.tiers import FIRST_OVERDUE_READ, Tiers, beginning, first_has_come
from dsr_fanout.orders import (
    ANSWERED_SIGNAL,
    DECIDED_SIGNAL,
    DUE_AT,
    GIVE_UP_IDENTITY,
    GIVE_UP_STOPPING,
    IDENTITY_SIGNAL,
    OPEN_AND_NOTIFY,
    PHASE_SIGNAL,
    PROGRESS_QUERY,
    READ_COHORT,
    REPLAN_SIGNAL,
    STATE,
    WORKFLOW,
    CohortProgress,
    Decided,
    Ended,
    Opened,
    Order,
    Position,
    State,
    Tier,
    Unsent,
    Verified,
)

_HINT, _TIER, _RETRY, _PLAN, _PHASE = "hint", "tier", "retry", "plan", "phase"
"""What ends a wait."""

_PROOF = 1
"""The revision of a proof of who asks: no other command of its request comes before it."""


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
        self._is_proof_lost = False
        self._steps = Steps(continue_if_long=self._continue_if_long)
        self._notices = Notices(self._steps, order.position.unsent if order.position else ())
        self._phases = Phases(self._steps, self._notices, order.position)
        self._tiers = Tiers(self._steps, self._notices, self._phases)
        self._decisions = Decisions(self._steps, self._notices, self._phases, order.apart)
        self._plans = Plans(self._steps, self._notices, self._phases, order)
        state = order.position.state if order.position else State.OPEN
        self._shown = Shown(shown(self._decisions.apart, state), order.due_at)

    @workflow.signal(name=ANSWERED_SIGNAL)
    def answered(self) -> None:
        """Take the hint that every member may be answered; it is read again before it is believed."""
        self._hinted = True

    @workflow.signal(name=PHASE_SIGNAL)
    def phase_confirmed(self) -> None:
        """Take the hint that a phase is confirmed; it is read again before it is believed."""
        self._phases.hint()

    @workflow.signal(name=IDENTITY_SIGNAL)
    def identity_verified(self, verified: Verified) -> None:
        """Take it as proven who asks, with the dates that count from then on; only the first time."""
        if not self._is_proven:
            self._decisions.proven(verified.revision)
            self._prove(verified.due_at, verified.tiers)

    @workflow.signal(name=DECIDED_SIGNAL)
    def decided(self, decided: Decided) -> None:
        """Take in what a person decided; it is acted upon in the order of revisions, each once.

        Nothing is decided in this way before it is proven who asks, so that is proven, whatever became
        of the command that said so.
        """
        self._decisions.take_in(decided)
        self._hinted = True
        if not self._is_proven:
            self._is_proof_lost = True
            self._prove(decided.due_at, decided.tiers or self._order.tiers)
            self._decisions.proven(_PROOF)

    @workflow.signal(name=REPLAN_SIGNAL)
    def replan(self, digest: str) -> None:
        """Take note that a newer registry version is there; who joins by it must answer as well."""
        self._plans.take_in(digest)

    @workflow.query(name=PROGRESS_QUERY)
    def progress(self) -> str:
        """Say in words where the cohort stands, and what is in the way if something is."""
        return self._steps.progress

    @workflow.run
    async def run(self, order: Order) -> Ended:
        """Orchestrate the cohort; return when intake says that no member is open."""
        is_asked_for = self._is_proven or await self._proven(order)
        if self._is_proof_lost:
            read: CohortProgress = await self._steps.surely(
                READ_COHORT, order.cohort_id, CohortProgress
            )
            is_asked_for = read.open_members > 0
        if not is_asked_for:
            return self._end(
                Position(state=State.AWAITING_IDENTITY, next_at=workflow.now(), systems=0)
            )
        if self._position is None:
            self._position = await self._begin(self._order)
        while True:
            self._steps.tell(self._waiting(self._position))
            woken = await self._woken(self._position)
            if woken == _RETRY:
                await self._notices.retry(self._order)
                self._continue_if_long()
                continue
            if woken == _PHASE:
                await self._phases.follow(self._order, self._decisions.apart)
                self._continue_if_long()
                continue
            if woken == _PLAN:
                self._order = await self._plans.follow(self._order, self._decisions.apart)
                self._continue_if_long()
                continue
            progress = await self._read(is_tier=woken == _TIER)
            if progress.open_members == 0:
                await self._told_at_last(progress)
                return self._end(self._position)
            self._order, self._position = await self._decisions.follow(
                self._order, self._position, self._shown
            )
            if woken == _TIER:
                apart = self._decisions.apart
                self._position = await self._tiers.passed(self._order, apart, self._position)
                self._shown.show(shown(apart, self._position.state), self._order.due_at)
            self._continue_if_long()

    def _prove(self, due_at: datetime, tiers: list[Tier]) -> None:
        self._is_proven = True
        self._order = replace(self._order, due_at=due_at, tiers=tiers, verify_identity_by=None)

    async def _told_at_last(self, progress: CohortProgress) -> None:
        """Send the first notices that could not be sent, while members who have left wait for them."""
        while progress.open_leavers and self._notices.keep_first():
            self._steps.tell(f"telling who was not told yet; {self._notices.held_up}")
            await workflow.sleep(
                max(self._notices.retry_at - workflow.now(), timedelta()),
                summary="before first notices are tried again",
            )
            await self._notices.retry(self._order)
            self._continue_if_long()
            cohort_id = self._order.cohort_id
            progress = await self._steps.surely(READ_COHORT, cohort_id, CohortProgress)

    async def _proven(self, order: Order) -> bool:
        """Wait until it is proven who asks; false where it has ended without, as intake says."""
        until = order.verify_identity_by or workflow.now()
        while not self._is_proven:
            self._steps.tell(f"waiting for the proof of who asks until {until:%Y-%m-%d %H:%M} UTC")
            step = READ_COHORT
            try:
                await workflow.wait_condition(
                    lambda: self._is_proven or self._hinted,
                    timeout=max(until - workflow.now(), timedelta()),
                    timeout_summary=State.AWAITING_IDENTITY,
                )
            except TimeoutError:
                # Should the proof have come first there, its command is on its way here.
                step, until = GIVE_UP_IDENTITY, workflow.now() + FIRST_OVERDUE_READ
            if not self._is_proven:
                self._hinted = False
                progress: CohortProgress = await self._steps.surely(
                    step, order.cohort_id, CohortProgress
                )
                if progress.open_members == 0:
                    return False
                self._continue_if_long()
        workflow.upsert_search_attributes(
            [STATE.value_set(State.OPEN), DUE_AT.value_set(self._order.due_at)]
        )
        self._shown = Shown(State.OPEN, self._order.due_at)
        return True

    async def _begin(self, order: Order) -> Position:
        """Open and notify; for a request that has left its home cohort, whose workflow does both."""
        if order.home_cohort_id:
            return beginning(order, systems=0)
        self._steps.tell("opening obligations")
        opened = await self._opened(order)
        self._phases.begin(opened.phases)
        self._plans.take_in(opened.newest)
        if opened.next is not None:
            self._steps.tell(f"notifying {opened.systems} systems")
            await self._notices.send(order, Unsent(first=opened.next, only=opened.only))
        if opened.phases > 1 and first_has_come(order):
            await self._phases.come_due(order, self._decisions.apart)
        return beginning(order, systems=opened.systems)

    async def _opened(self, order: Order) -> Opened:
        """Open the obligations; where that can never be, go on without once it is to be stopped."""
        try:
            opened: Opened = await self._steps.surely(
                OPEN_AND_NOTIFY,
                order,
                Opened,
                unless=lambda one: self._decisions.has_stopped and not one.is_away,
            )
        except HeldUp:
            return Opened(systems=0, next=None)
        return opened

    async def _woken(self, position: Position) -> str:
        """Wait for a hint or a decision, at most until the next tier or try; tell which of them came."""
        if not self._is_woken():
            until, why = min(self._moments(position), key=lambda one: one[0])
            try:
                await workflow.wait_condition(
                    self._is_woken,
                    timeout=max(until - workflow.now(), timedelta()),
                    timeout_summary=position.state,
                )
            except TimeoutError:
                return why if workflow.now() < position.next_at else _TIER
        if not self._hinted and not self._decisions.is_ready:
            return _PLAN if self._plans.pending else _PHASE
        self._hinted = False
        return _HINT

    def _moments(self, position: Position) -> Iterator[tuple[datetime, str]]:
        """Yield what there is to wait for; of two at one moment the earlier goes first."""
        if self._decisions.wait_until is not None:
            yield self._decisions.wait_until, _HINT
        phase_at = self._phases.wait_until(self._decisions.apart)
        if phase_at is not None:
            yield phase_at, _PHASE
        if self._notices.unsent:
            yield self._notices.retry_at, _RETRY
        yield position.next_at, _TIER

    def _is_woken(self) -> bool:
        if self._hinted or self._decisions.is_ready or self._plans.pending:
            return True
        return self._phases.is_ready(self._decisions.apart)

    async def _read(self, *, is_tier: bool) -> CohortProgress:
        """Read how many members are open; have intake give up a stop whose legal date has come."""
        cohort_id = self._order.cohort_id
        is_over = bool(self._decisions.apart.outcome) and workflow.now() >= self._order.due_at
        if is_tier and is_over:
            self._steps.tell("giving up what has not stopped")
            try:
                given_up: CohortProgress = await self._steps.once(
                    GIVE_UP_STOPPING, cohort_id, CohortProgress
                )
            except HeldUp as held_up:
                self._steps.tell(str(held_up))
            else:
                return given_up
        read: CohortProgress = await self._steps.surely(READ_COHORT, cohort_id, CohortProgress)
        return read

    def _continue_if_long(self) -> None:
        """Go on in a new history before this one nears Temporal's limit; at months of waiting."""
        if workflow.info().is_continue_as_new_suggested():
            position = self._position and self._phases.carried(
                replace(self._position, unsent=self._notices.unsent)
            )
            apart = self._decisions.carried
            workflow.continue_as_new(
                replace(self._order, position=position, apart=apart, replan=self._plans.pending)
            )

    def _waiting(self, position: Position) -> str:
        is_held_up = self._notices.unsent
        after = "" if self._shown.state == State.OPEN else f", {self._shown.state}"
        held_up = self._tiers.held_up or (self._notices.held_up if is_held_up else "")
        after += f"; {held_up}" if held_up else ""
        if not self._decisions.has_stopped:
            after += self._phases.waiting
        return f"waiting for answers until {position.next_at:%Y-%m-%d %H:%M} UTC{after}"

    def _end(self, position: Position) -> Ended:
        self._steps.tell("every member is answered")
        return Ended(
            requests=len(self._order.request_ids),
            systems=position.systems,
            reminders=position.reminders,
            was_overdue=position.state == State.OVERDUE,
        )
