"""Fanout's ports, written by hand: each does what its specification says, and can be away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from google.protobuf.message import Message

from dsr_contracts.v1 import notices_pb2, obligations_pb2
from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.ids import RequestId, SystemId
from dsr_core.registry import Registry
from dsr_fanout.orders import CohortPhases, CohortProgress, Decided, Order, Telling, Told, Verified
from dsr_wire.codec.amendments import Amendment, amendment_from_wire
from dsr_wire.codec.notices import (
    Instruction,
    Notice,
    SealedIdentity,
    SystemNotice,
    notice_from_wire,
)
from dsr_wire.codec.obligations import (
    OpenedObligations,
    ToldPhase,
    obligations_opened_from_wire,
    phase_told_from_wire,
)
from dsr_wire.codec.registry import PublishedRegistry
from dsr_wire.envelope import Outgoing, decode, header
from dsr_wire.topics import OBLIGATIONS
from support.builders import NOW, a_registry, a_request_id, a_system, an_id


def an_order(*, members: int = 2, now: datetime = NOW, **changes: object) -> Order:
    """A deletion cohort over all systems of the usual registry, due in thirty days from now."""
    one = Order(
        cohort_id=an_id(900),
        right="deletion",
        regime="default",
        jurisdiction="DE",
        categories=[],
        organisation_ids=[],
        registry_digest=a_registry().digest,
        received_at=now,
        due_at=now + timedelta(days=30),
        request_ids=[a_request_id(number) for number in range(1, members + 1)],
        remind_after_s=timedelta(days=15).total_seconds(),
    )
    return replace(one, **changes)


def a_registry_of(systems: int, *, organisations: int = 3) -> Registry:
    """A registry of many systems, spread over some organisations."""
    return a_registry(
        *(a_system(f"system-{n}", f"organisation-{n % organisations}") for n in range(systems))
    )


@dataclass
class Away:
    """Whether a part is away: for ever, or for so many calls."""

    calls: int = 0
    is_away: bool = False
    for_calls: int = 0

    def call(self) -> None:
        """Take a call, or be unavailable."""
        self.calls += 1
        if self.is_away or self.for_calls > 0:
            self.for_calls -= 1
            raise Unavailable("away")


@dataclass
class FakePublisher:
    """Keeps what was published."""

    away: Away = field(default_factory=Away)
    missing_topics: set[str] = field(default_factory=set)
    records: list[Outgoing] = field(default_factory=list)

    async def publish(self, records: Iterable[Outgoing]) -> None:
        self.away.call()
        for one in records:
            if one.topic in self.missing_topics:
                raise Unavailable(f"no topic {one.topic}")
            self.records.append(one)

    @property
    def event_ids(self) -> list[str | None]:
        return [header(one.headers, "ce_id") for one in self.records]

    @property
    def opened(self) -> list[OpenedObligations]:
        return [
            obligations_opened_from_wire(
                decode(one.value, one.headers, obligations_pb2.ObligationsOpened)
            )
            for one in self._of(obligations_pb2.ObligationsOpened)
        ]

    @property
    def told_phases(self) -> list[ToldPhase]:
        return [
            phase_told_from_wire(decode(one.value, one.headers, obligations_pb2.PhaseTold))
            for one in self._of(obligations_pb2.PhaseTold)
        ]

    @property
    def amended(self) -> list[Amendment]:
        return [
            amendment_from_wire(decode(one.value, one.headers, obligations_pb2.ObligationsAmended))
            for one in self._of(obligations_pb2.ObligationsAmended)
        ]

    def _of(self, kind: type[Message]) -> list[Outgoing]:
        name = kind.DESCRIPTOR.full_name
        return [
            one
            for one in self.records
            if one.topic == OBLIGATIONS.name and header(one.headers, "ce_type") == name
        ]

    @property
    def notices(self) -> list[Notice]:
        return [
            notice_from_wire(decode(one.value, one.headers, notices_pb2.Notice))
            for one in self.records
            if one.topic.startswith("dsr.deletion.")
        ]

    def asked(self, reminder: int) -> dict[str, set[str]]:
        """Return which requests each system was told of, by the first notice or by one reminder."""
        return _told(
            one
            for one in self.notices
            if one.reminder == reminder and (reminder or not one.revision)
        )

    def instructed(self, instruction: Instruction, revision: int) -> dict[str, set[str]]:
        """Return which requests each system was told of after a decision, reminders left out."""
        return _told(
            one
            for one in self.notices
            if (one.instruction, one.revision, one.reminder) == (instruction, revision, 0)
        )


def _told(notices: Iterable[Notice]) -> dict[str, set[str]]:
    told: dict[str, set[str]] = {}
    for notice in notices:
        for system in notice.systems:
            ids = {identity.request_id for identity in system.identities}
            told.setdefault(system.system_id, set()).update(ids)
    return told


@dataclass
class FakeIntake:
    """Seals with plain bytes, and counts members down as a test tells it."""

    away: Away = field(default_factory=Away)
    cohorts: dict[str, CohortProgress] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    without_keys: set[str] = field(default_factory=set)
    sealed_size: int = 100
    sealed_key_size: int = 80
    seals: list[tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)
    reads: Counter[str] = field(default_factory=Counter)
    given_up: list[str] = field(default_factory=list)
    stops_given_up: list[str] = field(default_factory=list)
    sealed_under: list[str] = field(default_factory=list)
    sealed_by: dict[str, str] = field(default_factory=dict)
    """The registry version by which each system was sealed for the last time."""

    held: set[tuple[str, str]] = field(default_factory=set)
    """Systems, each with a request of which a hold says that it is not sealed for."""

    def knows(
        self, cohort_id: str, *, members: int, open_members: int, open_leavers: int = 0
    ) -> None:
        """Make a cohort stand so."""
        self.cohorts[cohort_id] = CohortProgress(
            members=members, open_members=open_members, open_leavers=open_leavers
        )

    async def seal(
        self,
        cohort_id: str,
        *,
        registry_digest: str,
        system_ids: Sequence[str],
        request_ids: Sequence[str],
    ) -> tuple[SystemNotice, ...]:
        self.away.call()
        if self.without_keys.intersection(system_ids):
            raise Unavailable("a system has no keys")
        self.seals.append((tuple(system_ids), tuple(request_ids)))
        self.sealed_under.append(cohort_id)
        self.sealed_by.update(dict.fromkeys(system_ids, registry_digest))
        return tuple(
            SystemNotice(
                SystemId(system_id),
                tuple(
                    SealedIdentity(RequestId(one), b"s" * self.sealed_size)
                    for one in request_ids
                    if one not in self.answered and (system_id, one) not in self.held
                ),
                key_id="0123456789abcdef",
                sealed_key=b"k" * self.sealed_key_size,
            )
            for system_id in system_ids
        )

    async def give_up_identity(self, cohort_id: str) -> CohortProgress:
        self.away.call()
        self.given_up.append(cohort_id)
        return self.cohorts[cohort_id]

    async def give_up_stopping(self, cohort_id: str) -> CohortProgress:
        self.away.call()
        self.stops_given_up.append(cohort_id)
        return self.cohorts[cohort_id]

    async def progress(self, cohort_id: str) -> CohortProgress | None:
        self.reads[cohort_id] += 1
        self.away.call()
        return self.cohorts.get(cohort_id)


@dataclass
class FakeLedger:
    """Says who is missing, as a test tells it."""

    away: Away = field(default_factory=Away)
    owed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    confirmed: int = 0
    """How many phases of every cohort are confirmed."""

    async def phases(self, cohort_id: str) -> CohortPhases | None:
        self.away.call()
        return None if cohort_id in self.unknown else CohortPhases(confirmed=self.confirmed)

    async def missing(self, cohort_id: str) -> Mapping[str, Sequence[str]] | None:
        self.away.call()
        return None if cohort_id in self.unknown else self.owed


@dataclass
class FakeRegistries:
    """Has the versions that a test gives it, the newest last."""

    versions: dict[str, Registry] = field(default_factory=dict)

    @classmethod
    def of(cls, *registries: Registry) -> FakeRegistries:
        return cls({one.digest: one for one in registries or (a_registry(),)})

    async def version(self, digest: str) -> Registry:
        if digest not in self.versions:
            raise Unavailable("not published")
        return self.versions[digest]

    async def newest(self) -> PublishedRegistry:
        if not self.versions:
            raise Unavailable("not published")
        return self._published()[-1]

    def since(self, digest: str) -> Sequence[PublishedRegistry]:
        digests = list(self.versions)
        return self._published()[digests.index(digest) + 1 if digest in digests else 0 :]

    def _published(self) -> list[PublishedRegistry]:
        return [
            PublishedRegistry(one, NOW + timedelta(days=number))
            for number, one in enumerate(self.versions.values(), start=1)
        ]

    def publish_again(self, digest: str) -> None:
        """Publish a version once more: it is the newest, and its former publication is forgotten."""
        self.versions[digest] = self.versions.pop(digest)

    def holder(self, system_id: str) -> Registry | None:
        holders = [one for one in self.versions.values() if one.system(system_id)]
        return holders[-1] if holders else None

    async def changed(self, since: str, *, within_s: float) -> str | None:
        digest = (await self.newest()).registry.digest
        if digest == since:
            await asyncio.sleep(within_s)
            return None
        return digest


@dataclass
class FakeWorkflows:
    """Remembers what was started and hinted."""

    away: Away = field(default_factory=Away)
    started: list[Order] = field(default_factory=list)
    hinted: list[str] = field(default_factory=list)
    phases_hinted: list[str] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    proven: dict[str, Verified] = field(default_factory=dict)
    taken: list[tuple[Order, Decided]] = field(default_factory=list)
    replanned: list[str] = field(default_factory=list)

    async def start(self, order: Order) -> bool:
        self.away.call()
        if order.cohort_id in self.refused:
            raise RejectedInput("refused_by_temporal", "too large")
        if order.cohort_id in self.finished:
            return False
        if order.cohort_id not in self.running:
            self.running.add(order.cohort_id)
            self.started.append(order)
        return True

    async def hint(self, cohort_id: str) -> bool:
        self.away.call()
        if cohort_id not in self.running:
            return False
        self.hinted.append(cohort_id)
        return True

    async def phase_confirmed(self, cohort_id: str) -> bool:
        self.away.call()
        if cohort_id not in self.running:
            return False
        self.phases_hinted.append(cohort_id)
        return True

    async def verified(self, cohort_id: str, verified: Verified) -> bool:
        self.away.call()
        if cohort_id not in self.running:
            return False
        self.proven[cohort_id] = verified
        return True

    async def replan(self, version: PublishedRegistry) -> bool:
        self.away.call()
        digest = version.registry.digest
        is_new = digest not in self.replanned
        self.replanned.append(digest)
        return is_new

    async def tell_running(self, telling: Telling) -> Told:  # noqa: ARG002 - the port's
        self.away.call()
        return Told(told=len(self.running))

    async def decided(self, order: Order, decided: Decided) -> bool:
        if not await self.start(order):
            return False
        self.taken.append((order, decided))
        return True
