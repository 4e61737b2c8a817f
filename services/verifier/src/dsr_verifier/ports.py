"""What the application needs from outside, and the values that cross."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from dsr_core.acknowledgements import Acknowledgement, Standing
from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.registry import Registry, System
from dsr_core.rights import Disposition, Right
from dsr_verifier.model import Breach, Effect, KeptAmendment, Key
from dsr_wire.codec.amendments import Amendment, PlanChanged
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.copies import SettledCopy
from dsr_wire.codec.obligations import OpenedObligations, ToldPhase
from dsr_wire.codec.phases import ConfirmedPhase
from dsr_wire.envelope import Headers
from dsr_wire.keys import SystemPublicKeys
from dsr_wire.terms import Owing, owing

__all__ = [
    "Answer",
    "Batch",
    "Change",
    "Clock",
    "DeadLetters",
    "Debts",
    "Ledger",
    "LedgerRequest",
    "Opening",
    "Owed",
    "Pair",
    "ParkedAnswer",
    "Received",
    "Refusal",
    "RegistryView",
    "Settled",
    "Settlement",
    "Transaction",
]

Clock = Callable[[], datetime]
"""Says the time, in UTC."""

Pair = tuple[RequestId, SystemId]
"""What names an obligation."""


@dataclass(frozen=True, slots=True)
class Received:
    """A record as it came from Kafka."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    received_at: datetime
    """When a broker took it, where the brokers say so; else when it came to us."""

    span: str | None = None
    """The span in which it is handled; none where nothing is traced."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that can never succeed, or not wholly, and why."""

    received: Received
    fault: RejectedInput


@dataclass(frozen=True, slots=True)
class Batch:
    """The evidence of one signed batch: with it, each answer's Merkle path can be made."""

    id: str
    """A UUID, a digest of what was signed: the same batch has the same id, however often it comes."""

    system_id: SystemId
    key_id: str
    signature: bytes
    leaf_hashes: bytes
    """The hashes in order, joined."""

    size: int
    received: Received


class Answer(NamedTuple):
    """One acknowledgement as it was signed; its hash names it."""

    acknowledgement: Acknowledgement
    leaf: bytes
    leaf_hash: bytes
    batch_id: str
    place: int
    """In the batch, from 0."""

    @property
    def pair(self) -> Pair:
        """The obligation that it answers."""
        return (self.acknowledgement.request_id, self.acknowledgement.system_id)


@dataclass(frozen=True, slots=True)
class ParkedAnswer:
    """An answer whose obligation was not known when it came."""

    answer: Answer
    batch: Batch


@dataclass(frozen=True, slots=True)
class LedgerRequest:
    """A subject request, as the ledger knows it."""

    request_id: RequestId
    cohort_id: CohortId
    right: Right
    registry_digest: str
    systems: Mapping[SystemId, OrganisationId]
    """Who must answer, with the owner."""

    open_count: int
    closed_at: datetime | None
    due_at: datetime
    opened_at: datetime
    home_cohort_id: CohortId
    """The cohort that it was accepted in."""

    stopping: Outcome | None = None
    """How it ends where it is being stopped."""

    amendments: tuple[Amendment, ...] = ()
    """Those that were applied, in order."""

    opened: Mapping[SystemId, OrganisationId] | None = None
    """Who had to answer at first; none where nothing was amended yet."""

    looks_again: frozenset[SystemId] = frozenset()
    """Who has to look again after an erasure; only of those who had to answer at first."""

    phases: Mapping[SystemId, int] = field(default_factory=dict)
    """The phase of each system that is not in the first; only of those who had to answer at first."""

    @property
    def phased(self) -> Mapping[SystemId, int]:
        """The phase of each system that must answer now, as `phases` has it.

        Who has a retired system's data has its phase, and who joined later is in the last, so that
        nobody waits for it.
        """
        if not self.phases or not self.plans:
            return self.phases
        opened, owing = self.opened or {}, self.owing
        found: dict[SystemId, int] = {}
        for one in self.systems:
            firsts = [one] if one in opened else [old.retired for old in owing.before(one)]
            known = [self.phases.get(first, 0) for first in firsts if first in opened]
            found[one] = min(known, default=max(self.phases.values()))
        return {one: phase for one, phase in found.items() if phase}

    @property
    def expected(self) -> int:
        """How many obligations it has."""
        return len(self.systems)

    def has_asked(self, system_id: SystemId) -> bool:
        """Tell whether a system must answer, or had to before a change of plan."""
        return (
            system_id in self.systems
            or system_id in (self.opened or {})
            or any(
                system_id in (*dict(change.added), *(one.successor for one in change.successions))
                for change in self.plans
            )
        )

    @property
    def plans(self) -> tuple[PlanChanged, ...]:
        """Its changes of plan, in order."""
        return tuple(one.change for one in self.amendments if isinstance(one.change, PlanChanged))

    @property
    def owing(self) -> Owing:
        """Who must answer, and who answers for others as well."""
        opened = self.systems if self.opened is None else self.opened
        return owing(opened, self.amendments)


@dataclass(frozen=True, slots=True)
class Opening:
    """What became of obligations that were written."""

    new: list[RequestId]
    differing: list[int]
    """The places of those that speak of a request which is there with another plan, cohort or right."""

    amended: list[RequestId]
    """The new ones for which amendments wait."""


class Settled(NamedTuple):
    """An obligation's new standing."""

    request_id: RequestId
    system_id: SystemId
    standing: Standing


class Change(NamedTuple):
    """What an observer of progress is told: of an obligation, or of the request where no system is named."""

    request_id: RequestId
    system_id: SystemId | None
    disposition: Disposition | None
    is_confirmed: bool


@dataclass(slots=True)
class Settlement:
    """What one transaction changes."""

    obligations: list[Settled] = field(default_factory=list)
    confirmed: list[Pair] = field(default_factory=list)
    """Those of them that were not confirmed before."""

    open_counts: dict[RequestId, int] = field(default_factory=dict)
    """Of each request whose counter moved, the new one."""

    closures: list[Closure] = field(default_factory=list)
    stuck: list[RequestId] = field(default_factory=list)
    """Requests whose counter says closed and whose obligations do not: a fault, never closed."""

    contradictions: int = 0
    amended: list[RequestId] = field(default_factory=list)
    """Requests of which something else is owed now."""

    def changes(self) -> Iterable[Change]:
        """Yield what observers are told, closures last."""
        for request_id in self.amended:
            yield Change(request_id, None, None, is_confirmed=False)
        for one in self.obligations:
            answer = one.standing.answer
            disposition = answer.disposition if answer else None
            yield Change(one.request_id, one.system_id, disposition, one.standing.is_confirmed)
        for closure in self.closures:
            yield Change(closure.request_id, None, None, is_confirmed=True)


class Transaction(Protocol):
    """One atomic step of the ledger. Every method may raise Unavailable; nothing is then kept."""

    async def lock(self, request_ids: Collection[RequestId]) -> dict[RequestId, LedgerRequest]:
        """Return the known ones among these requests, locked until the transaction ends.

        Locks are taken in the order of ids, so that two transactions never wait for each other.
        """
        ...

    async def open(self, opened: Sequence[OpenedObligations], at: datetime) -> Opening:
        """Write requests that are not there yet. What was amended since counts as opened before."""
        ...

    async def trace(self, spans: Mapping[RequestId, str]) -> None:
        """Keep the spans in which requests were opened, until they are closed; the first ones stay."""
        ...

    async def keep(self, amendments: Sequence[KeptAmendment], at: datetime) -> list[int]:
        """Write amendments that are not there yet.

        Returns:
            The places of those whose revision and kind are taken by another content, which stands.
        """
        ...

    async def waiting(self, request_ids: Collection[RequestId]) -> list[Amendment]:
        """Return the amendments of these requests of which nothing has become yet, in order."""
        ...

    async def amend(
        self,
        requests: Collection[tuple[LedgerRequest, Sequence[SystemId]]],
        effects: Mapping[Key, Effect],
        at: datetime,
    ) -> None:
        """Write what amendments make of requests, and what became of each amendment.

        Each request comes with the systems in which erasure is suspended.
        """
        ...

    async def breach(
        self, breaches: Collection[Breach], at: datetime, *, instead_of: Collection[RequestId] = ()
    ) -> list[Breach]:
        """Write breaches of holds; return the new ones.

        Args:
            breaches: What is to be on record.
            at: When.
            instead_of: Requests of which nothing else is to be on record.
        """
        ...

    async def append(
        self, batches: Iterable[Batch], answers: Sequence[Answer], at: datetime
    ) -> set[bytes]:
        """Write answers and the batches that they came in; return the hashes of those there already."""
        ...

    async def standings(self, pairs: Collection[Pair]) -> dict[Pair, Standing]:
        """Return where these obligations stand; those that were never answered are left out."""
        ...

    async def answers(self, pairs: Collection[Pair]) -> dict[Pair, list[Acknowledgement]]:
        """Return every answer to these obligations that is recorded, this transaction's included."""
        ...

    async def standings_of(
        self, request_ids: Collection[RequestId]
    ) -> dict[RequestId, dict[SystemId, Standing]]:
        """Return where the answered obligations of requests stand."""
        ...

    async def settle(self, settlement: Settlement, at: datetime) -> None:
        """Write new standings, counters, closures with their message, and the change feed."""
        ...

    async def tell_links(self, answers: Sequence[Answer], at: datetime) -> None:
        """Tell intake of the links that new answers hold, when this transaction commits.

        They are passed on as they came: sealed, for intake alone.
        """
        ...

    async def advance(self, cohort_ids: Collection[CohortId], at: datetime) -> list[ConfirmedPhase]:
        """Put on record which phases of cohorts are confirmed now, with their message; return the new.

        A phase is, once no open member owes an answer in it or in one before it, or waits for another
        request that hands data over and is open, or not known yet, or is closed and its copy not
        settled where a system has handed something over. Cohorts of which all systems are asked at
        once have nothing on record. The last phase is not told of: the closure is. Transactions about one cohort wait for each other here, so that none overlooks the other.
        """
        ...

    async def awaiting(self, over: Collection[RequestId]) -> list[CohortId]:
        """Return the cohorts that may be told once these requests are over, the open ones."""
        ...

    async def settle_copies(self, settled: Sequence[SettledCopy]) -> None:
        """Put on record that copies are settled, also of requests that are not known yet.

        Of one that is told of twice, the first time stays.
        """
        ...

    async def tell(self, told: Sequence[ToldPhase]) -> None:
        """Put on record that phases are told; of one that was told twice, the first time stays."""
        ...

    async def add_late(self, answers: Sequence[Answer]) -> None:
        """Write of recorded answers that they came after the closing: no part of what it rests on.

        It is said outright, since times of recording are of several clocks.
        """
        ...

    async def contradict(self, against: Mapping[Pair, bool]) -> None:
        """Write whether obligations of closed requests are contradicted by what came since.

        Their standings, and the closure, stay as they were at the closing.
        """
        ...

    async def parked_counts(self, system_ids: Collection[SystemId]) -> dict[SystemId, int]:
        """Return how many answers of each system are parked."""
        ...

    async def park(self, parked: Sequence[ParkedAnswer], at: datetime) -> None:
        """Keep answers for requests that are not known yet; the same ones again change nothing."""
        ...

    async def unpark(self, request_ids: Collection[RequestId]) -> list[ParkedAnswer]:
        """Take the parked answers to these requests out."""
        ...

    async def expire(self, before: datetime, limit: int) -> list[ParkedAnswer]:
        """Take answers out that were parked before a time and are owed by nobody, the oldest first."""
        ...

    async def bury(self, refusals: Sequence[Refusal], at: datetime) -> None:
        """Dead-letter records when this transaction commits."""
        ...


class Ledger(Protocol):
    """The record of who owes what, and what was answered."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Return a transaction: committed when left, undone when left by an error.

        Raises:
            Unavailable: The store is away; the same again can succeed later.
            RejectedInput: The store can never hold these values; reason `unstorable`.
        """
        ...

    async def joinable(self, limit: int) -> list[RequestId]:
        """Return requests that are known and for which answers are parked, by systems that owe them."""
        ...

    async def amendable(self, limit: int) -> list[RequestId]:
        """Return requests that are known and for which amendments wait."""
        ...

    async def parked_count(self) -> int:
        """Return how many answers are parked."""
        ...

    async def prune_changes(self, before: datetime, limit: int) -> int:
        """Drop the oldest rows of the change feed, if they are older; return how many."""
        ...


class RegistryView(Protocol):
    """The registry versions and system keys that have been published, and are still arriving."""

    def version(self, digest: str) -> Registry | None:
        """Return a version, or none while it has not arrived."""
        ...

    def keys(self, system_id: str) -> SystemPublicKeys | None:
        """Return a system's keys, or none while they have not arrived."""
        ...

    def is_current(self, system_id: str) -> bool:
        """Tell whether the newest version has such a system."""
        ...

    def newest(self, system_id: str) -> System | None:
        """Return a system as the newest version has it, or none where it has not."""
        ...

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until what has arrived meets a condition; false when the time is up."""
        ...


@dataclass(frozen=True, slots=True)
class Owed:
    """How many obligations of open requests a system has not confirmed."""

    organisation_id: str
    system_id: str
    obligations: int
    oldest: datetime
    """When the oldest of them was opened."""

    due: datetime
    """The nearest legal date among their requests'."""


class Debts(Protocol):
    """What is owed, counted."""

    async def owed(self) -> list[Owed]:
        """Return what each system owes; none that owes nothing.

        Raises:
            Unavailable: The ledger is away.
        """
        ...


class DeadLetters(Protocol):
    """Where refused records go."""

    async def bury(self, refusals: Sequence[Refusal]) -> None:
        """Return when the dead letters are durable.

        Raises:
            Unavailable: They are not; bury the same again.
        """
        ...
