"""The verifier's ports, in memory. The behaviour suite holds them to what the adapters do."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from dsr_core.acknowledgements import Acknowledgement, Standing
from dsr_core.closing import FOLLOWED
from dsr_core.ids import CohortId, RequestId, SystemId
from dsr_core.registry import Registry, System
from dsr_verifier.model import Breach, Effect, KeptAmendment, Key, key_of
from dsr_verifier.ports import (
    Answer,
    Batch,
    Change,
    LedgerRequest,
    Opening,
    Pair,
    ParkedAnswer,
    Refusal,
    Settlement,
)
from dsr_wire.codec.amendments import Amendment
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.copies import SettledCopy
from dsr_wire.codec.obligations import OpenedObligations, ToldPhase
from dsr_wire.codec.phases import ConfirmedPhase
from dsr_wire.keys import SystemPublicKeys
from dsr_wire.terms import in_order


@dataclass
class FakeRegistry:
    """A RegistryView that holds what it is given; `arriving` happens while something waits."""

    registries: dict[str, Registry] = field(default_factory=dict)
    public: dict[str, SystemPublicKeys] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    arriving: list[Callable[[], object]] = field(default_factory=list)

    def version(self, digest: str) -> Registry | None:
        return self.registries.get(digest)

    def keys(self, system_id: str) -> SystemPublicKeys | None:
        return self.public.get(system_id)

    def is_current(self, system_id: str) -> bool:
        return self.newest(system_id) is not None

    def newest(self, system_id: str) -> System | None:
        *_, last = self.registries.values()
        return last.system(system_id)

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        self.waits.append(timeout_s)
        while not condition() and self.arriving:
            self.arriving.pop(0)()
        return condition()


@dataclass(frozen=True)
class Phase:
    """How far a phase of a cohort has come."""

    told_at: datetime | None = None
    is_due: bool = False
    confirmed_at: datetime | None = None


@dataclass
class _State:
    requests: dict[RequestId, LedgerRequest] = field(default_factory=dict)
    batches: dict[object, Batch] = field(default_factory=dict)
    answers: dict[bytes, Answer] = field(default_factory=dict)
    standings: dict[Pair, Standing] = field(default_factory=dict)
    closures: dict[RequestId, Closure] = field(default_factory=dict)
    opened: dict[RequestId, LedgerRequest] = field(default_factory=dict)
    amendments: dict[Key, Amendment] = field(default_factory=dict)
    effects: dict[Key, Effect] = field(default_factory=dict)
    held: dict[RequestId, Sequence[SystemId]] = field(default_factory=dict)
    breaches: dict[tuple[RequestId, SystemId, str], Breach] = field(default_factory=dict)
    against_closure: dict[Pair, bool] = field(default_factory=dict)
    late: set[bytes] = field(default_factory=set)
    links: list[Acknowledgement] = field(default_factory=list)
    """Answers whose links intake is told of."""

    changes: list[Change] = field(default_factory=list)
    parked: dict[bytes, tuple[ParkedAnswer, datetime]] = field(default_factory=dict)
    buried: list[Refusal] = field(default_factory=list)
    spans: dict[RequestId, str] = field(default_factory=dict)
    phases: dict[tuple[CohortId, int], Phase] = field(default_factory=dict)
    awaited: dict[RequestId, tuple[RequestId, ...]] = field(default_factory=dict)
    settled: dict[RequestId, datetime] = field(default_factory=dict)

    def owed(self) -> set[Pair]:
        return {(key, system_id) for key, one in self.requests.items() for system_id in one.systems}


class FakeLedger:
    """A Ledger whose transactions run one after another, and are undone by errors."""

    def __init__(self) -> None:
        self.state = _State()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeTransaction]:
        state = copy.copy(self.state)
        for name, value in vars(state).items():
            setattr(state, name, copy.copy(value))
        yield FakeTransaction(state)
        self.state = state

    async def joinable(self, limit: int) -> list[RequestId]:
        waiting = {one.answer.pair for one, _ in self.state.parked.values()}
        return sorted({request_id for request_id, _ in waiting & self.state.owed()})[:limit]

    async def amendable(self, limit: int) -> list[RequestId]:
        waiting = self.state.amendments.keys() - self.state.effects.keys()
        return sorted({one for one, _, _ in waiting} & self.state.requests.keys())[:limit]

    async def parked_count(self) -> int:
        return len(self.state.parked)

    async def prune_changes(self, before: datetime, limit: int) -> int:  # noqa: ARG002 - as the port
        return 0


class FakeTransaction:
    """A Transaction over a copy of the state."""

    def __init__(self, state: _State) -> None:
        self._state = state

    async def trace(self, spans: Mapping[RequestId, str]) -> None:
        self._state.spans = {**spans, **self._state.spans}

    async def lock(self, request_ids: Collection[RequestId]) -> dict[RequestId, LedgerRequest]:
        known = self._state.requests
        return {one: known[one] for one in sorted(request_ids) if one in known}

    async def open(
        self,
        opened: Sequence[OpenedObligations],
        at: datetime,  # noqa: ARG002 - as the port
    ) -> Opening:
        new: list[RequestId] = []
        differing: set[int] = set()
        for place, one in enumerate(opened):
            for request_id in one.request_ids:
                present = self._state.opened.get(request_id)
                if present is None:
                    new.append(request_id)
                    self._state.requests[request_id] = LedgerRequest(
                        request_id=request_id,
                        cohort_id=one.cohort_id,
                        right=one.right,
                        registry_digest=one.registry_digest,
                        systems=dict(one.systems),
                        open_count=len(one.systems),
                        closed_at=None,
                        due_at=one.due_at,
                        opened_at=one.opened_at,
                        home_cohort_id=one.cohort_id,
                        looks_again=one.looks_again,
                        phases=one.phases,
                    )
                    self._state.opened[request_id] = self._state.requests[request_id]
                    self._state.changes.append(Change(request_id, None, None, is_confirmed=False))
                elif (
                    present.cohort_id,
                    present.right,
                    present.registry_digest,
                    dict(present.systems),
                ) != (one.cohort_id, one.right, one.registry_digest, dict(one.systems)):
                    differing.add(place)
            if one.after:
                self._state.awaited.update(dict.fromkeys(one.request_ids, one.after))
            if one.phases:
                for phase in range(max(one.phases.values()) + 1):
                    begun = Phase(told_at=one.opened_at if phase == 0 else None)
                    self._state.phases.setdefault((one.cohort_id, phase), begun)
        waiting = {key[0] for key in self._state.amendments.keys() - self._state.effects.keys()}
        return Opening(new, sorted(differing), [one for one in new if one in waiting])

    async def keep(
        self,
        kept: Sequence[KeptAmendment],
        at: datetime,  # noqa: ARG002 - as the port
    ) -> list[int]:
        known = self._state.amendments
        told = [one.amendment for one in kept]
        first = [known.setdefault(key_of(one), one) for one in told]
        return [
            place
            for place, (one, other) in enumerate(zip(told, first, strict=True))
            if replace(other, amended_at=one.amended_at) != one
        ]

    async def waiting(self, request_ids: Collection[RequestId]) -> list[Amendment]:
        known = self._state.amendments
        waiting = [known[key] for key in known.keys() - self._state.effects.keys()]
        return sorted((one for one in waiting if one.request_id in request_ids), key=in_order)

    async def amend(
        self,
        requests: Collection[tuple[LedgerRequest, Sequence[SystemId]]],
        effects: Mapping[Key, Effect],
        at: datetime,  # noqa: ARG002 - as the port
    ) -> None:
        for one, held in requests:
            assert one.expected >= 1
            self._state.requests[one.request_id] = one
            self._state.held[one.request_id] = held
            if one.phases and one.cohort_id != one.home_cohort_id:
                for (cohort_id, phase), known in list(self._state.phases.items()):
                    if cohort_id == one.home_cohort_id:
                        self._state.phases.setdefault((one.cohort_id, phase), known)
        assert not effects.keys() & self._state.effects.keys()
        self._state.effects.update(effects)

    async def breach(
        self,
        breaches: Collection[Breach],
        at: datetime,  # noqa: ARG002 - as the port
        *,
        instead_of: Collection[RequestId] = (),
    ) -> list[Breach]:
        by_key = {(one.request_id, one.system_id, one.hold_id): one for one in breaches}
        before = self._state.breaches
        new = [one for key, one in by_key.items() if key not in before]
        kept = {k: one for k, one in before.items() if k[0] not in instead_of or k in by_key}
        self._state.breaches = by_key | kept
        return new

    async def append(
        self,
        batches: Iterable[Batch],
        answers: Sequence[Answer],
        at: datetime,  # noqa: ARG002 - as the port
    ) -> set[bytes]:
        for batch in batches:
            self._state.batches.setdefault(batch.id, batch)
        known = {one.leaf_hash for one in answers} & self._state.answers.keys()
        for one in answers:
            self._state.answers.setdefault(one.leaf_hash, one)
        return known

    async def standings(self, pairs: Collection[Pair]) -> dict[Pair, Standing]:
        return {one: self._state.standings[one] for one in pairs if one in self._state.standings}

    async def answers(self, pairs: Collection[Pair]) -> dict[Pair, list[Acknowledgement]]:
        return {
            pair: [one.acknowledgement for one in self._state.answers.values() if one.pair == pair]
            for pair in pairs
        }

    async def standings_of(
        self, request_ids: Collection[RequestId]
    ) -> dict[RequestId, dict[SystemId, Standing]]:
        found: dict[RequestId, dict[SystemId, Standing]] = {one: {} for one in request_ids}
        for (request_id, system_id), standing in self._state.standings.items():
            if request_id in found:
                found[request_id][system_id] = standing
        return found

    async def settle(
        self,
        settlement: Settlement,
        at: datetime,  # noqa: ARG002 - as the port
    ) -> None:
        for one in settlement.obligations:
            self._state.standings[one.request_id, one.system_id] = one.standing
        for closure in settlement.closures:
            assert closure.request_id not in self._state.closures
            self._state.closures[closure.request_id] = closure
        for request_id, open_count in settlement.open_counts.items():
            closure_or_none = self._state.closures.get(request_id)
            self._state.requests[request_id] = replace(
                self._state.requests[request_id],
                open_count=open_count,
                closed_at=closure_or_none.closed_at if closure_or_none else None,
            )
        self._state.changes.extend(settlement.changes())

    async def tell_links(
        self,
        answers: Sequence[Answer],
        at: datetime,  # noqa: ARG002 - as the port
    ) -> None:
        self._state.links.extend(one.acknowledgement for one in answers)

    async def advance(self, cohort_ids: Collection[CohortId], at: datetime) -> list[ConfirmedPhase]:
        found: list[ConfirmedPhase] = []
        for cohort_id in cohort_ids:
            phases = sorted(phase for one, phase in self._state.phases if one == cohort_id)
            for phase in phases[:-1]:
                key = (cohort_id, phase)
                if self._state.phases[key].confirmed_at is None:
                    if not self._is_done(cohort_id, phase):
                        break
                    self._state.phases[key] = replace(self._state.phases[key], confirmed_at=at)
                    found.append(ConfirmedPhase(cohort_id=cohort_id, phase=phase, confirmed_at=at))
        return found

    def _is_done(self, cohort_id: CohortId, phase: int) -> bool:
        members = [
            one
            for one in self._state.requests.values()
            if one.cohort_id == cohort_id and one.closed_at is None
        ]
        awaited = {
            other for one in members for other in self._state.awaited.get(one.request_id, ())
        }
        if any(map(self._is_awaited, awaited)):
            return False
        return bool(members) and all(
            (standing := self._state.standings.get((one.request_id, system_id))) is not None
            and standing.is_confirmed
            for one in members
            for system_id in one.systems
            if one.phased.get(system_id, 0) <= phase
        )

    def _is_awaited(self, request_id: RequestId) -> bool:
        if request_id in self._state.settled:
            return False
        closure = self._state.closures.get(request_id)
        if closure is None:
            return True
        standings = (
            self._state.standings.get((request_id, one))
            for one in self._state.requests[request_id].systems
        )
        return closure.outcome in FOLLOWED and any(
            one and one.answer and one.answer.delivery for one in standings
        )

    async def awaiting(self, over: Collection[RequestId]) -> list[CohortId]:
        return [
            self._state.requests[request_id].cohort_id
            for request_id, others in self._state.awaited.items()
            if set(over).intersection(others)
        ]

    async def settle_copies(self, settled: Sequence[SettledCopy]) -> None:
        for one in settled:
            self._state.settled.setdefault(one.request_id, one.settled_at)

    async def tell(self, told: Sequence[ToldPhase]) -> None:
        for one in told:
            key = (one.cohort_id, one.phase)
            known = self._state.phases.get(key, Phase())
            if known.told_at is None:
                self._state.phases[key] = replace(known, told_at=one.told_at, is_due=one.is_due)

    async def add_late(self, answers: Sequence[Answer]) -> None:
        self._state.late.update(one.leaf_hash for one in answers)

    async def contradict(self, against: Mapping[Pair, bool]) -> None:
        self._state.against_closure.update(against)

    async def parked_counts(self, system_ids: Collection[SystemId]) -> dict[SystemId, int]:
        counts = dict.fromkeys(system_ids, 0)
        for one, _ in self._state.parked.values():
            if one.answer.acknowledgement.system_id in counts:
                counts[one.answer.acknowledgement.system_id] += 1
        return counts

    async def park(self, parked: Sequence[ParkedAnswer], at: datetime) -> None:
        for one in parked:
            self._state.parked.setdefault(one.answer.leaf_hash, (one, at))

    async def unpark(self, request_ids: Collection[RequestId]) -> list[ParkedAnswer]:
        return self._take(
            key
            for key, (one, _) in list(self._state.parked.items())
            if one.answer.acknowledgement.request_id in request_ids
        )

    async def expire(self, before: datetime, limit: int) -> list[ParkedAnswer]:
        old = [
            key
            for key, (one, at) in self._state.parked.items()
            if at < before and one.answer.pair not in self._state.owed()
        ]
        return self._take(old[:limit])

    async def bury(
        self,
        refusals: Sequence[Refusal],
        at: datetime,  # noqa: ARG002 - as the port
    ) -> None:
        self._state.buried.extend(refusals)

    def _take(self, keys: Iterable[bytes]) -> list[ParkedAnswer]:
        return [self._state.parked.pop(key)[0] for key in list(keys)]
