"""Answering: what follows a closure."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dsr_core.closing import FOLLOWED, Outcome
from dsr_core.ids import CohortId, RequestId
from dsr_core.lifecycle import PREMATURE, Event, State, advance
from dsr_core.rights import RIGHTS
from dsr_intake.application.clock import Clock
from dsr_intake.application.copying import copies_settled
from dsr_intake.application.deferring import Deferring
from dsr_intake.application.forming import SOURCE
from dsr_intake.application.packages.wanting import Wanting
from dsr_intake.metrics import Metrics
from dsr_intake.model import Answer, Known, LetterKind
from dsr_intake.ports import ClosingStore
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.lifecycle import StateChange, cohort_answered_to_wire, states_changed_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import LIFECYCLE

__all__ = ["Answering", "Ends", "answers", "cohort_over", "ended", "packed", "records", "told"]

_EVENTS = uuid.UUID("5f2a3c1e-0d55-5f2b-9a53-6c7b8f4f8f11")
"""The namespace of the ids of what intake tells: the same change has the same id for ever."""

_LETTERS = {
    Outcome.FULFILLED: LetterKind.DONE,
    Outcome.PARTLY_FULFILLED: LetterKind.DONE,
    Outcome.NOT_VERIFIED: LetterKind.NOT_VERIFIED,
    Outcome.WITHDRAWN: LetterKind.WITHDRAWN,
    Outcome.REFUSED: LetterKind.REFUSED,
    Outcome.REFERRED: LetterKind.REFERRED,
}
"""The letter that answers each outcome."""


class Answering:
    """Answers requests that the verifier has closed; the same closure again changes nothing."""

    def __init__(
        self,
        *,
        store: ClosingStore,
        deferring: Deferring,
        wanting: Wanting | None,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
        on_waiting: Callable[[], object],
    ) -> None:
        """Take what it works with.

        Args:
            store: Where answers are written.
            deferring: What is asked of systems later on.
            wanting: Of whom packages are made; none where none are.
            metrics: What is counted.
            clock: What time it is.
            on_committed: Called where there is something to be published.
            on_waiting: Called where a letter or a package is to be made first.
        """
        self._store = store
        self._deferring = deferring
        self._wanting = wanting
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed
        self._on_waiting = on_waiting

    async def answer(self, closures: Sequence[Closure]) -> frozenset[RequestId]:
        """Return when everything that follows is durable; give the requests that cannot be closed.

        They do not exist, or no system was asked for them yet: such a closure is somebody's mistake.

        Raises:
            Unavailable: The store is away; or the verifier, where a system keeps data that it will
                have to review, or has handed data over.
        """
        deferred = await self._deferring.deferred(closures)
        wanted = {} if self._wanting is None else await self._wanting.wanted(closures)
        at = self._clock()
        premature: set[RequestId] = set()
        ends = Ends(at)

        def decide(known: Mapping[RequestId, Known]) -> list[Answer]:
            premature.update(
                request_id for request_id, one in known.items() if one.state in PREMATURE
            )
            return answers(closures, known, at=at, packaged=wanted.keys())

        ids = sorted({one.request_id for one in closures})
        moved, unknown = await self._store.answer(
            ids,
            decide=decide,
            tell=ends.tell,
            at=at,
            alike=lambda original, request_id, one: _alike(original, request_id, one, at=at),
            deferred=deferred,
            packages=wanted,
        )
        if moved:
            self._metrics.count_ends(ends.made)
            self._on_committed()
            if any(one.answered_at is None for one in ends.made):
                self._on_waiting()
        return frozenset(unknown) | premature


class Ends:
    """Tells of what a transaction ends, and keeps it to be counted once that is committed."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self.made: tuple[Answer, ...] = ()

    def tell(self, made: Sequence[Answer], over: Iterable[CohortId]) -> list[Outgoing]:
        """Return what is told, as `records` does."""
        self.made = tuple(made)
        return records(made, over, at=self._at)


def answers(
    closures: Iterable[Closure],
    known: Mapping[RequestId, Known],
    *,
    at: datetime,
    packaged: Collection[RequestId] = (),
) -> list[Answer]:
    """Return what changes: nothing for a request that is unknown, not open yet, or answered already.

    Those of which a package is to be made are closed, and not answered before it is.
    """
    made: dict[RequestId, Answer] = {}
    for closure in closures:
        stored = known.get(closure.request_id)
        if stored is None or closure.request_id in made:
            continue
        if stored.state in {*PREMATURE, State.CLOSED, State.ANSWERED}:
            continue
        made[closure.request_id] = ended(
            closure.request_id,
            stored,
            Event.CLOSE,
            outcome=closure.outcome,
            closed_at=closure.closed_at,
            at=at,
            is_packaged=closure.request_id in packaged,
        )
    return list(made.values())


def _alike(original: Answer, request_id: RequestId, known: Known, *, at: datetime) -> Answer:
    """Return how a duplicate ends with the request that it repeats."""
    return ended(
        request_id,
        known,
        Event.CLOSE,
        outcome=original.outcome,
        closed_at=original.closed_at,
        at=at,
        is_packaged=_is_packed(original),
        is_repeat=True,
    )


def ended(
    request_id: RequestId,
    known: Known,
    event: Event,
    *,
    outcome: Outcome,
    closed_at: datetime,
    at: datetime,
    is_packaged: bool = False,
    is_repeat: bool = False,
) -> Answer:
    """Return how a request goes on after what closes it.

    Where its requester is told by letter it is closed until that is sent; else the client of the API
    tells the person, and the answer follows at once. Where a package is to be made it is closed until
    that is, and the letter is written then.

    Raises:
        RuleViolation: Its state does not allow the event.
    """
    closed = advance(known.state, event)
    waits = known.letters or is_packaged
    return Answer(
        request_id=request_id,
        cohort_id=known.cohort_id,
        state=closed if waits else advance(closed, Event.ANSWER),
        outcome=outcome,
        closed_at=closed_at,
        answered_at=None if waits else at,
        letter=_LETTERS[outcome] if known.letters and not is_packaged else None,
        is_repeat=is_repeat,
        promise=known.promise,
    )


def packed(request_id: RequestId, known: Known, *, at: datetime) -> Answer:
    """Return how a closed request goes on once its package is made: its letter is written, or it is answered.

    Raises:
        RuleViolation: It is not closed.
    """
    answer = told(request_id, known, at=at)
    if not known.letters:
        return answer
    letter = _LETTERS[answer.outcome]
    return replace(answer, state=known.state, answered_at=None, letter=letter)


def told(request_id: RequestId, known: Known, *, at: datetime) -> Answer:
    """Return how a closed request goes on once its letter is sent, or given up on record.

    Raises:
        RuleViolation: It is not closed.
    """
    state = advance(known.state, Event.ANSWER)
    if known.outcome is None or known.closed_at is None:
        raise RuntimeError("a closed request has an outcome")
    return Answer(
        request_id=request_id,
        cohort_id=known.cohort_id,
        state=state,
        outcome=known.outcome,
        closed_at=known.closed_at,
        answered_at=at,
        was_closed=True,
        promise=known.promise,
    )


def records(made: Sequence[Answer], over: Iterable[CohortId], *, at: datetime) -> list[Outgoing]:
    """Return what is told: a record a cohort of its members' changes, then of cohorts that are over.

    And of each that no erasure waits for any more, since it ends without a copy: the verifier has never
    heard of what ends before any system was asked, nor of duplicates.
    """
    by_cohort: dict[CohortId, list[Answer]] = {}
    for one in made:
        by_cohort.setdefault(one.cohort_id, []).append(one)
    told = [_changed(cohort_id, members, at) for cohort_id, members in by_cohort.items()]
    ended_bare = sorted(one.request_id for one in made if _ends_without_copy(one))
    return [
        *told,
        *(cohort_over(cohort_id, at) for cohort_id in sorted(over)),
        *copies_settled(ended_bare, at),
    ]


def _ends_without_copy(one: Answer) -> bool:
    """Tell whether a request for a person's data ends, and the verifier does not see that no copy follows."""
    if one.was_closed or one.promise is None or not RIGHTS[one.promise.right].hands_over:
        return False
    return one.outcome not in FOLLOWED or (one.is_repeat and not _is_packed(one))


def _is_packed(one: Answer) -> bool:
    return one.answered_at is None and one.letter is None


def _changed(cohort_id: CohortId, members: Sequence[Answer], at: datetime) -> Outgoing:
    members = sorted(members, key=lambda one: one.request_id)
    changes: list[StateChange] = []
    for one in members:
        outcome = one.outcome.value
        if not one.was_closed:
            changes.append(StateChange(one.request_id, State.CLOSED, outcome, one.closed_at))
        if one.answered_at is not None:
            changes.append(StateChange(one.request_id, one.state, outcome, one.answered_at))
    is_over = all(one.answered_at for one in members)
    name = "/".join(
        (cohort_id, *(one.request_id for one in members), *(() if is_over else ("closed",)))
    )
    return encode(
        states_changed_to_wire(cohort_id, changes),
        topic=LIFECYCLE.name,
        key=cohort_id,
        event_id=str(uuid.uuid5(_EVENTS, name)),
        source=SOURCE,
        at=at,
    )


def cohort_over(cohort_id: CohortId, at: datetime) -> Outgoing:
    """Return what is told of a cohort that is over."""
    return encode(
        cohort_answered_to_wire(cohort_id, at),
        topic=LIFECYCLE.name,
        key=cohort_id,
        event_id=str(uuid.uuid5(_EVENTS, f"{cohort_id}/answered")),
        source=SOURCE,
        at=at,
    )
