"""Answering: what follows a closure."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from dsr_core.ids import CohortId, RequestId
from dsr_core.lifecycle import Event, State, advance
from dsr_intake.application.drafting import Clock
from dsr_intake.application.forming import SOURCE
from dsr_intake.metrics import Metrics
from dsr_intake.model import Answer, Known
from dsr_intake.ports import ClosingStore
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.lifecycle import StateChange, cohort_answered_to_wire, states_changed_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import LIFECYCLE

__all__ = ["Answering", "answers", "records"]

_EVENTS = uuid.UUID("5f2a3c1e-0d55-5f2b-9a53-6c7b8f4f8f11")
"""The namespace of the ids of what intake tells: the same change has the same id for ever."""


class Answering:
    """Answers requests that the verifier has closed; the same closure again changes nothing."""

    def __init__(
        self,
        *,
        store: ClosingStore,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed

    async def answer(self, closures: Sequence[Closure]) -> frozenset[RequestId]:
        """Return when everything that follows is durable; give the requests that cannot be closed.

        They do not exist, or no system was asked for them yet: such a closure is somebody's mistake.
        """
        at = self._clock()
        premature: set[RequestId] = set()

        def decide(known: Mapping[RequestId, Known]) -> list[Answer]:
            premature.update(
                request_id
                for request_id, one in known.items()
                if one.state is State.AWAITING_IDENTITY
            )
            return answers(closures, known, at=at)

        ids = sorted({one.request_id for one in closures})
        answered, unknown = await self._store.answer(
            ids,
            decide=decide,
            tell=lambda made, ended: records(made, ended, at=at),
            at=at,
        )
        if answered:
            self._metrics.answered.inc(answered)
            self._on_committed()
        return frozenset(unknown) | premature


def answers(
    closures: Iterable[Closure], known: Mapping[RequestId, Known], *, at: datetime
) -> list[Answer]:
    """Return what changes: nothing for a request that is unknown, not open yet, or answered already."""
    made: dict[RequestId, Answer] = {}
    for closure in closures:
        stored = known.get(closure.request_id)
        if stored is None or closure.request_id in made:
            continue
        if stored.state in {State.AWAITING_IDENTITY, State.ANSWERED}:
            continue
        closed = advance(stored.state, Event.CLOSE) if stored.state is State.OPEN else stored.state
        # There is nobody to write to yet, so the answer follows at once.
        made[closure.request_id] = Answer(
            request_id=closure.request_id,
            cohort_id=stored.cohort_id,
            state=advance(closed, Event.ANSWER),
            outcome=closure.outcome,
            closed_at=closure.closed_at,
            answered_at=at,
        )
    return list(made.values())


def records(made: Sequence[Answer], ended: Iterable[CohortId], *, at: datetime) -> list[Outgoing]:
    """Return what is told: a record a cohort of its members' changes, then of cohorts that are over."""
    by_cohort: dict[CohortId, list[Answer]] = {}
    for one in made:
        by_cohort.setdefault(one.cohort_id, []).append(one)
    told = [_changed(cohort_id, members, at) for cohort_id, members in by_cohort.items()]
    return [*told, *(_ended(cohort_id, at) for cohort_id in sorted(ended))]


def _changed(cohort_id: CohortId, members: Sequence[Answer], at: datetime) -> Outgoing:
    members = sorted(members, key=lambda one: one.request_id)
    changes: list[StateChange] = []
    for one in members:
        outcome = one.outcome.value
        changes.append(StateChange(one.request_id, State.CLOSED, outcome, one.closed_at))
        changes.append(StateChange(one.request_id, one.state, outcome, one.answered_at))
    name = "/".join((cohort_id, *(one.request_id for one in members)))
    return encode(
        states_changed_to_wire(cohort_id, changes),
        topic=LIFECYCLE.name,
        key=cohort_id,
        event_id=str(uuid.uuid5(_EVENTS, name)),
        source=SOURCE,
        at=at,
    )


def _ended(cohort_id: CohortId, at: datetime) -> Outgoing:
    return encode(
        cohort_answered_to_wire(cohort_id, at),
        topic=LIFECYCLE.name,
        key=cohort_id,
        event_id=str(uuid.uuid5(_EVENTS, f"{cohort_id}/answered")),
        source=SOURCE,
        at=at,
    )
