"""Finding: everything that Kafka has and PostgreSQL does not say, and what waits for a person.

What no consumer has read yet is no difference: it will be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from dsr_cli.reconcile.differences import Difference, Kind
from dsr_cli.reconcile.orchestration import Ended, Orchestration
from dsr_cli.reconcile.positions import (
    FANOUT,
    INTAKE_CLOSURES,
    INTAKE_LINKS,
    Positions,
)
from dsr_cli.reconcile.store import Store
from dsr_cli.reconcile.told import Place, Told
from dsr_core.ids import CohortId, RequestId
from dsr_core.lifecycle import PREMATURE, State

__all__ = ["Findings", "find"]

_OVER = {State.CLOSED.value, State.ANSWERED.value}
_WAITS = {one.value for one in PREMATURE}


@dataclass(slots=True)
class Findings:
    """What differs, and what mending needs to know of it."""

    differences: list[Difference] = field(default_factory=list)
    forgotten: set[RequestId] = field(default_factory=set)
    answered: set[RequestId] = field(default_factory=set)
    opened: set[RequestId] = field(default_factory=set)
    closures: set[RequestId] = field(default_factory=set)
    ended: dict[CohortId, Ended] = field(default_factory=dict)
    outbox: list[tuple[str, int]] = field(default_factory=list)
    rewound: dict[tuple[str, str, int], int] = field(default_factory=dict)
    """By group, topic and partition: the offset to read from again."""

    def add(self, kind: Kind, what: str, detail: str = "") -> None:
        """Say of one difference."""
        self.differences.append(Difference(kind, what, detail))

    def keep(self, kind: Kind, what: str, obstacle: str) -> None:
        """Say of one why it was not mended."""
        self.differences = [
            replace(one, obstacle=obstacle) if (one.kind, one.id) == (kind, what) else one
            for one in self.differences
        ]


async def find(
    told: Told, store: Store, positions: Positions, orchestration: Orchestration | None
) -> Findings:
    """Return every difference; changes nothing, and finds nothing while all is as it should be.

    Args:
        told: What Kafka has.
        store: What PostgreSQL says.
        positions: How far services have read.
        orchestration: Who knows what runs; without it, workflows are not looked for.
    """
    found = Findings()
    await _requests(found, told, store, positions)
    await _links(found, told, store, positions)
    await _ledger(found, told, store, positions)
    if orchestration is not None:
        await _workflows(found, told, store, positions, orchestration)
    for schema, number, topic, event in await store.outbox():
        if event and (topic, event) in told.events:
            found.outbox.append((schema, number))
            found.add(Kind.OUTBOX_SENT, f"{schema}.outbox/{number}", topic)
    leaves = await store.leaves()
    for one in told.checkpoints.values():
        if leaves < one.size:
            detail = f"{one.size} leaves were published, the database has {leaves}"
            found.add(Kind.LOG_BEHIND, one.origin, detail)
    return found


async def _requests(found: Findings, told: Told, store: Store, positions: Positions) -> None:
    concerned = {*told.cohorts, *told.states, *told.closures}
    known = await store.requests(concerned)
    for request_id in sorted(told.cohorts):
        if request_id not in known:
            found.forgotten.add(request_id)
            if _last(told, request_id) == State.ANSWERED.value:
                found.answered.add(request_id)
            found.add(Kind.REQUEST_FORGOTTEN, request_id, told.cohorts[request_id].right.value)
    for lost in await store.without_identity():
        detail = "ask the person anew; this one closes where its systems were told before"
        found.add(Kind.IDENTITY_LOST, lost, detail)
    for one, (state, has_key) in sorted(known.items()):
        _state(found, told, RequestId(one), state, has_key=has_key)
    for request_id, (_, place) in sorted(told.closures.items()):
        state = known.get(request_id, (State.OPEN.value, False))[0]
        lacks = state not in _OVER and request_id not in found.answered
        if lacks and positions.is_past(INTAKE_CLOSURES, place):
            _rewind(found, INTAKE_CLOSURES, place)
            found.add(Kind.CLOSURE_UNREAD, request_id)


async def _links(found: Findings, told: Told, store: Store, positions: Positions) -> None:
    links = [(place, key) for place, key in told.links if positions.is_past(INTAKE_LINKS, place)]
    untaken = await store.untaken_links({key for _, key in links})
    given = ((at, f"{key[0]} {key[1]}") for at, key in links if key in untaken)
    _unread(found, INTAKE_LINKS, Kind.LINKS_UNREAD, given)


def _state(
    found: Findings, told: Told, request_id: RequestId, state: str, *, has_key: bool
) -> None:
    last = _last(told, request_id)
    if last is None:
        return
    if last == State.ANSWERED.value and state != last:
        found.answered.add(request_id)
        found.add(Kind.ANSWER_FORGOTTEN, request_id, "its key is back" if has_key else "")
    elif last == State.OPEN.value and state in _WAITS:
        found.opened.add(request_id)
        found.add(Kind.OPENING_FORGOTTEN, request_id)
    elif state not in {*_OVER, last} and not (last in _OVER and request_id in told.closures):
        found.add(Kind.DECISION_FORGOTTEN, request_id, f"it was {last}, and is {state}")


def _last(told: Told, request_id: RequestId) -> str | None:
    steps = told.states.get(request_id)
    return steps[-1].state if steps else None


async def _ledger(found: Findings, told: Told, store: Store, positions: Positions) -> None:
    verifier = positions.verifier
    past = positions.past(verifier)
    opened = [(place, one) for place, ids in told.opened if past(place) for one in ids]
    unknown = await store.unknown_requests({one for _, one in opened})
    _unread(
        found,
        verifier,
        Kind.OBLIGATIONS_UNREAD,
        ((at, one) for at, one in opened if one in unknown),
    )

    amended = [(place, key) for place, key in told.amended if past(place)]
    lacking = await store.unknown_amendments({key for _, key in amended})
    changes = ((at, f"{key[0]} {key[2]}") for at, key in amended if key in lacking)
    _unread(found, verifier, Kind.OBLIGATIONS_UNREAD, changes)

    phases = [(place, key) for place, key in told.phases if past(place)]
    untold = await store.untold_phases({key for _, key in phases})
    parts = ((at, f"{key[0]} phase {key[1]}") for at, key in phases if key in untold)
    _unread(found, verifier, Kind.OBLIGATIONS_UNREAD, parts)

    answers = [(place, one) for place, many in told.answers if past(place) for one in many]
    missing = await store.unknown_answers({one for _, one in answers})
    given = ((at, f"{one[0]} {one[1]}") for at, one in answers if one in missing)
    _unread(found, verifier, Kind.ACKNOWLEDGEMENT_UNREAD, given)

    copies = [(place, one) for place, one in told.copies if past(place)]
    unsettled = await store.unknown_copies({one for _, one in copies})
    over = ((at, one) for at, one in copies if one in unsettled)
    _unread(found, verifier, Kind.COPY_UNREAD, over)

    entries = [(place, one) for place, many in told.audited if past(place) for one in many]
    absent = await store.unknown_entries({one for _, one in entries})
    _unread(
        found,
        verifier,
        Kind.AUDIT_UNREAD,
        ((at, one.hex()) for at, one in entries if one in absent),
    )

    for request_id in sorted(await store.unknown_closures(set(told.closures))):
        found.closures.add(RequestId(request_id))
        found.add(Kind.CLOSURE_FORGOTTEN, request_id)


async def _workflows(
    found: Findings,
    told: Told,
    store: Store,
    positions: Positions,
    orchestration: Orchestration,
) -> None:
    """Say of cohorts that nobody orchestrates. What is answered while this asks is open no more."""
    read = {one for one, at in told.starts.items() if positions.is_past(FANOUT[at[0]], at)}
    expected = (await store.open_cohorts() & read) - told.over
    without = await orchestration.idle(expected)
    still = await store.open_cohorts() if without else set()
    for cohort_id in sorted(without.keys() & still):
        ended = without[cohort_id]
        if ended is None:
            start = told.starts[cohort_id]
            for place in (start, told.commands.get(cohort_id, start)):
                _rewind(found, FANOUT[place[0]], place)
            found.add(Kind.WORKFLOW_MISSING, cohort_id, "/".join(map(str, start)))
        else:
            found.ended[cohort_id] = ended
            found.add(Kind.WORKFLOW_ENDED, cohort_id, ended.status)


def _unread(found: Findings, group: str, kind: Kind, those: Iterable[tuple[Place, str]]) -> None:
    for place, what in those:
        _rewind(found, group, place)
        found.add(kind, what, "/".join(map(str, place)))


def _rewind(found: Findings, group: str, place: Place) -> None:
    topic, partition, offset = place
    key = (group, topic, partition)
    found.rewound[key] = min(offset, found.rewound.get(key, offset))
