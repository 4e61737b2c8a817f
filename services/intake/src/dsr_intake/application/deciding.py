"""Deciding: what a person decides about one request sets it apart, and it goes on alone.

Every decision goes this one way. What each of them asks for is its own module's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message

from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.rules import Regime
from dsr_core.law.timeline import Timeline
from dsr_core.lifecycle import Event, State, advance
from dsr_intake.application.answering import cohort_over, ended, records
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating
from dsr_intake.application.forming import SOURCE, accepted_record, alone
from dsr_intake.metrics import Metrics
from dsr_intake.model import Answer, DecisionEntry, Held, Known, RequestView, Ruling
from dsr_intake.model.promises import Promise
from dsr_intake.ports import DecisionStore, ReadStore, RegistryView
from dsr_wire.codec.commands import Command, Decision, IdentityVerified, command_to_wire
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced
from dsr_wire.codec.lifecycle import StateChange, states_changed_to_wire
from dsr_wire.codec.requests import AcceptedCohort
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import COMMANDS, LIFECYCLE

__all__ = ["Check", "Deciding", "Note", "Resolution", "Rule", "changed", "command_record", "opened"]

_EVENTS = uuid.UUID("0b7d6c58-52f4-5b0e-8d0b-3c1c2f6c9f43")
"""The namespace of the ids of what is told here: the same decision has the same id for ever."""

Check = Callable[[RequestView, Timeline, Timeline], None]
"""Refuses what this request does not allow, given its dates before and after."""

Rule = Callable[[RequestView, Sequence[Held], Regime, datetime], Ruling]
"""Says what follows for a request as it stands, of the holds that cover it and of its regime."""


Note = Callable[[Timeline, datetime], Mapping[str, Any]]
"""Says what the dates of before and the moment of deciding add to what is kept of a decision."""


def _nothing(_before: Timeline, _now: datetime) -> Mapping[str, Any]:
    return {}


def _allowed(_one: RequestView, _before: Timeline, _after: Timeline) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a person has decided."""

    event: Event
    by: str
    reason: str
    """Without personal data: it is kept with the request."""

    decision: Decision
    """As fanout is told of it."""

    effective_at: datetime | None = None
    """When it became true; now, where none is given."""

    moment_name: str | None = None
    """What the caller calls that moment."""

    fact: FactKind | None = None
    """What it is for the request's dates; none where they do not depend on it."""

    learnt: tuple[Fact, ...] = ()
    """What else has turned out that they depend on, each at its own moment."""

    outcome: Outcome | None = None
    """How the request ends; none where it does not."""

    proposal_id: str | None = None
    """The proposal that is approved by it."""

    details: Mapping[str, Any] = field(default_factory=dict)
    note: Note = _nothing
    check: Check = _allowed


class Deciding:
    """Carries decisions out."""

    def __init__(
        self,
        *,
        reads: ReadStore,
        store: DecisionStore,
        registry: RegistryView,
        dating: Dating,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
    ) -> None:
        self._reads = reads
        self._store = store
        self._registry = registry
        self._dating = dating
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed

    async def decide(self, request_id: str, resolution: Resolution) -> RequestView | None:
        """Write a decision and all that follows from it; none where there is no such request.

        Its record, the new state and date, the move into a cohort of its own, and the command to
        fanout are durable together.

        Raises:
            RuleViolation: The request's state, or its law, does not allow it; the detail says why.
            RejectedInput: It lies in the future, or before the receipt.
            Unavailable: The rules that the request pins have not arrived.
        """
        return await self.carry_out(
            request_id, resolution.event, lambda *known: self._ruling(*known, resolution=resolution)
        )

    async def carry_out(self, request_id: str, event: Event, rule: Rule) -> RequestView | None:
        """Write what a rule says, as in `decide`.

        Raises:
            RuleViolation: What the rule raises.
            Unavailable: The rules that the request pins have not arrived.
        """
        one = await self._reads.any(request_id)
        if one is None:
            return None
        regime = self._dating.regime(await self._registry.rules(one.rules_digest), one)
        now = self._clock()
        ruling = await self._store.decide(
            request_id,
            lambda found, held: rule(found, held, regime, now),
            lambda made, over: records(made, over, at=now),
        )
        if ruling is not None:
            self._metrics.decisions.labels(event.value).inc()
            if ruling.answer is not None:
                self._metrics.count_ends([ruling.answer])
            self._on_committed()
        return await self._reads.any(request_id)

    def _ruling(
        self,
        one: RequestView,
        held: Sequence[Held],
        regime: Regime,
        now: datetime,
        *,
        resolution: Resolution,
    ) -> Ruling:
        state = _state(one, held, resolution)
        at = _moment(one, resolution, now)
        own = () if resolution.fact is None else (Fact(resolution.fact, at),)
        facts = (*one.facts, *resolution.learnt, *own)
        before = self._dating.timeline(regime, one)
        after = self._dating.of_facts(regime, one, (*self._dating.facts(one), *facts))
        resolution.check(one, before, after)
        entry = DecisionEntry(
            request_id=one.request_id,
            revision=one.commands + 1,
            kind=resolution.event.value,
            decided_by=resolution.by,
            reason=resolution.reason,
            effective_at=at,
            recorded_at=now,
            details={**resolution.details, **resolution.note(before, now)},
        )
        if state is State.CLOSED:
            answer = _at_once(one, resolution, now, is_dated=before.respond_by is not None)
            return Ruling(entry=entry, state=state, facts=facts, due_at=one.due_at, answer=answer)
        due_at = one.due_at
        if facts != one.facts and after.respond_by is not None:
            due_at = after.respond_by.astimezone(UTC)
        elif state is State.STOPPING and after.respond_by is None:
            # Who ends it waits for no answer: the systems have what was left when the clock stopped.
            resumed = (*self._dating.facts(one), *facts, Fact(FactKind.CLARIFICATION_GIVEN, now))
            after = self._dating.of_facts(regime, one, resumed)
            due_at = (after.respond_by or one.due_at).astimezone(UTC)
        decision = resolution.decision
        # While its clock stands still, nothing becomes due.
        tiers = regime.tiers if after.respond_by is not None else ()
        cohort = alone(replace(one, facts=facts), tiers, due_at)
        told = [command_record(entry, decision, cohort, home=one.home_cohort_id)]
        if one.duplicate_of is not None:
            told = [*opened(one, regime), *told]
        if state is not one.state:
            told.append(changed(one, state, entry))
        is_leaving = one.cohort_id != CohortId(one.request_id)
        # Their date is as it was: it must not pass unseen behind one that is later, or that stands.
        is_left = state is State.STOPPING or due_at > one.due_at or after.respond_by is None
        return Ruling(
            entry=entry,
            state=state,
            facts=facts,
            due_at=due_at,
            clock_stopped=after.respond_by is None,
            records=tuple(told),
            if_home_ends=cohort_over(one.cohort_id, now) if is_leaving else None,
            set_free=(lambda twin: opened(twin, regime)) if is_left else None,
            proposal_id=resolution.proposal_id,
            hold=decision if isinstance(decision, HoldPlaced | HoldLifted) else None,
        )


def opened(one: RequestView, regime: Regime) -> tuple[Outgoing, ...]:
    """Return what has a duplicate orchestrated by itself; its law is that of what it repeated.

    One that was linked as it was proven has a workflow, which still awaits that proof.
    """
    cohort = alone(one, regime.tiers, one.due_at)
    accepted = accepted_record(cohort)
    if not one.commands or one.identity_proven_at is None or one.proven_by is None:
        return (accepted,)
    proof = Command(
        cohort_id=cohort.cohort_id,
        request_id=one.request_id,
        revision=1,
        effective_at=one.identity_proven_at,
        recorded_at=one.identity_proven_at,
        decision=IdentityVerified(method=one.proven_by, due_at=cohort.due_at, tiers=cohort.tiers),
    )
    proven = encode(
        command_to_wire(proof),
        topic=COMMANDS.name,
        key=cohort.cohort_id,
        event_id=str(uuid.uuid5(_EVENTS, f"{one.request_id}/freed")),
        source=SOURCE,
        at=one.identity_proven_at,
    )
    return (accepted, proven)


def _state(one: RequestView, held: Sequence[Held], resolution: Resolution) -> State:
    """Return the state after a decision; of several holds the last that is lifted ends the holding."""
    event = resolution.event
    if event is Event.CLARIFY and any(each.held_at for each in held):
        event = Event.CLARIFY_UNDER_HOLD
    state = advance(one.state, event)
    if isinstance(resolution.decision, HoldLifted):
        lifted = resolution.decision.hold_id
        if any(each.hold.hold_id != lifted and each.held_at for each in held):
            return one.state
    return state


def _moment(one: RequestView, resolution: Resolution, now: datetime) -> datetime:
    at = resolution.effective_at
    if at is None:
        return max(now, one.received_at)
    if not one.received_at <= at <= now:
        detail = "what is decided became true between the receipt and now"
        raise RejectedInput("invalid_decision", detail, field=resolution.moment_name)
    return at


def _at_once(one: RequestView, resolution: Resolution, now: datetime, *, is_dated: bool) -> Answer:
    if resolution.outcome is None:
        raise RuntimeError("what ends a request has an outcome")
    due_at = one.due_at if is_dated else None
    promise = Promise(one.right, one.regime, one.received_at, one.accepted_at, due_at)
    known = Known(one.cohort_id, one.state, letters=one.letters, promise=promise)
    return ended(
        one.request_id, known, resolution.event, outcome=resolution.outcome, closed_at=now, at=now
    )


def command_record(
    entry: DecisionEntry, decision: Decision, cohort: AcceptedCohort, *, home: CohortId
) -> Outgoing:
    """Return what fanout is told of a decision."""
    command = Command(
        cohort_id=home,
        request_id=entry.request_id,
        revision=entry.revision,
        effective_at=entry.effective_at,
        recorded_at=entry.recorded_at,
        decision=decision,
        alone=cohort,
    )
    return _record(COMMANDS.name, command_to_wire(command), home, entry, "command")


def changed(one: RequestView, state: State, entry: DecisionEntry) -> Outgoing:
    """Return what observers are told of the state that a decision leads to."""
    cohort_id = CohortId(one.request_id)
    changes: Sequence[StateChange] = [StateChange(one.request_id, state, "", entry.recorded_at)]
    message = states_changed_to_wire(cohort_id, changes)
    return _record(LIFECYCLE.name, message, cohort_id, entry, "state")


def _record(
    topic: str, message: Message, key: CohortId, entry: DecisionEntry, name: str
) -> Outgoing:
    return encode(
        message,
        topic=topic,
        key=key,
        event_id=str(uuid.uuid5(_EVENTS, f"{entry.request_id}/{entry.revision}/{name}")),
        source=SOURCE,
        at=entry.recorded_at,
    )
