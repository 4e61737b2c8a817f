"""Looking: what the console shows, gathered from intake's own store, the verifier, Kafka and the breaker.

Everything is read; nothing is changed. What somebody sees is bounded by their sight, and what a page
costs by its size: each source is asked with a bound, and kept for all who look meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from dsr_core.errors import Unavailable
from dsr_core.ids import OrganisationId, SystemId
from dsr_core.lifecycle import State
from dsr_core.registry import Registry
from dsr_intake.application.clock import Clock
from dsr_intake.application.console.cells import owners
from dsr_intake.application.console.kept import Kept, Shown
from dsr_intake.model import ListFilter, RequestView
from dsr_intake.model.breaker import BreakerScope
from dsr_intake.model.console import (
    DeadLetters,
    DuePlace,
    GroupLag,
    LedgerMeasures,
    Missing,
    OpenStanding,
    RequestProgress,
)
from dsr_intake.model.principals import Principal, Scope, Sight
from dsr_intake.ports import ReadStore, RegistryView
from dsr_intake.ports.console import ConsoleStore, KafkaStanding, LedgerStanding
from dsr_runtime.outbox import Backlog

__all__ = ["Line", "Looking", "Overview", "Owing", "Page", "Sources"]

_SOON = 8
_LETTERS = 50
_SIGHTS = 200
_STANDING_FOR = timedelta(seconds=2)
_MEASURED_FOR = timedelta(seconds=5)
_KAFKA_FOR = timedelta(seconds=10)
_PATIENCE = timedelta(seconds=1)

_T = TypeVar("_T")

_INSTEAD = {
    State.AWAITING_IDENTITY: "the requester: proof of who asks",
    State.AWAITING_AUTHORITY: "the requester: authority to ask",
    State.AWAITING_DECISION: "the privacy office: an appeal",
    State.AWAITING_CLARIFICATION: "the requester: what is meant",
    State.CLOSED: "the answer to the requester",
}
"""Who holds up a request for which no system is waited for."""

_OPENING = "the obligations are being opened"


@dataclass(frozen=True, slots=True)
class Line:
    """One request, and who holds it up."""

    request: RequestView
    progress: RequestProgress | None
    """None while the ledger has not seen it, or is away."""

    waits_for: tuple[SystemId, ...]
    instead: str
    """Who is waited for where no system is; empty where some are, or nobody is."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some requests, and where the next ones begin."""

    lines: tuple[Line, ...]
    following: DuePlace | None
    fault: str | None = None
    """Why it is not said how far they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How the loop stands."""

    standing: Shown[OpenStanding]
    soon: Page
    outbox: Shown[Backlog]
    ledger: Shown[LedgerMeasures]
    lags: Shown[list[GroupLag]]
    letters: Shown[DeadLetters] | None
    """None to who does not see every jurisdiction."""

    breaker: Shown[Sequence[BreakerScope]] | None
    """None to who may not read it."""


@dataclass(frozen=True, slots=True)
class Owing:
    """What one organisation owes: by system, and the first of its requests by date."""

    systems: dict[SystemId, Missing]
    """Of all that is open; of what is shown, for who sees some jurisdictions alone."""

    lines: tuple[Line, ...]
    is_whole: bool
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where it is all read."""

    store: ConsoleStore
    reads: ReadStore
    ledger: LedgerStanding
    kafka: KafkaStanding
    breaker: Callable[[], Awaitable[Sequence[BreakerScope]]]
    backlog: Callable[[], Awaitable[Backlog]]
    registry: RegistryView
    clock: Clock


class Looking:
    """Gathers what pages show."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._standings: dict[Sight, Kept[OpenStanding]] = {}
        self._ledger = self._kept(sources.ledger.measured, _MEASURED_FOR)
        self._outbox = self._kept(sources.backlog, _MEASURED_FOR)
        self._breaker = self._kept(sources.breaker, _MEASURED_FOR)
        self._lags = self._kept(sources.kafka.lags, _KAFKA_FOR)
        self._letters = self._kept(lambda: sources.kafka.dead_letters(_LETTERS), _KAFKA_FOR)

    async def close(self) -> None:
        """Give up what is being found out."""
        for shared in (self._ledger, self._outbox, self._breaker, self._lags, self._letters):
            await shared.close()
        for standing in self._standings.values():
            await standing.close()

    @property
    def registry(self) -> Registry | None:
        """The newest version of the registry."""
        return self._sources.registry.current

    async def overview(self, who: Principal) -> Overview:
        """Return how the loop stands, as far as somebody sees it; a source that is away is named."""
        (standing, soon, outbox, ledger, lags), letters, breaker = await asyncio.gather(
            asyncio.gather(
                self._standing(who.sight).get(),
                self._soon(who.sight),
                self._outbox.get(),
                self._ledger.get(),
                self._lags.get(),
            ),
            _if(who.sight.is_unbounded, self._letters),
            _if(Scope.BREAKER_READ in who.scopes, self._breaker),
        )
        return Overview(
            standing=standing,
            soon=soon,
            outbox=outbox,
            ledger=ledger,
            lags=lags,
            letters=letters,
            breaker=breaker,
        )

    async def letters(self) -> Shown[DeadLetters]:
        """Return what consumers refused; for who sees every jurisdiction."""
        return await self._letters.get()

    async def by_date(
        self, sight: Sight, wanted: ListFilter, *, after: DuePlace | None, limit: int
    ) -> Page:
        """Return open requests by their legal dates.

        Raises:
            Unavailable: The store is away, or busy with too many.
        """
        found = await self._sources.store.by_date(sight, wanted, after=after, limit=limit + 1)
        shown = found[:limit]
        last = shown[-1] if len(found) > limit else None
        following = DuePlace(last.due_at, last.request_id) if last else None
        return await self._lines(shown, following)

    async def newest(self, sight: Sight, wanted: ListFilter, *, limit: int) -> Page:
        """Return the newest requests, open or not.

        Raises:
            Unavailable: The store is away.
        """
        found = await self._sources.reads.page(sight, wanted, after=None, limit=limit)
        return await self._lines(found, None)

    async def owing(self, who: Principal, organisation_id: str, *, limit: int, among: int) -> Owing:
        """Return what an organisation owes, and the first of the requests that wait for it.

        Raises:
            Unavailable: The store is away, or busy with too many.
        """
        page = await self.by_date(who.sight, ListFilter(), after=None, limit=among)
        theirs = {one for one, owner in owners(self.registry).items() if owner == organisation_id}
        lines = tuple(one for one in page.lines if theirs.intersection(one.waits_for))
        if not who.sight.is_unbounded:
            counted = self._counted(lines, theirs, OrganisationId(organisation_id))
            return Owing(counted, lines[:limit], page.following is None, page.fault)
        shown = await self._ledger.get()
        missing = shown.value.missing if shown.value else ()
        systems = {one.system_id: one for one in missing if one.organisation_id == organisation_id}
        return Owing(systems, lines[:limit], shown.fault is None, page.fault or shown.fault)

    async def debts(self) -> dict[OrganisationId, list[Missing]]:
        """Return what each organisation owes of all that is open; for who sees every jurisdiction."""
        shown = await self._ledger.get()
        found: defaultdict[OrganisationId, list[Missing]] = defaultdict(list)
        for one in shown.value.missing if shown.value else ():
            found[one.organisation_id].append(one)
        return dict(found)

    def _standing(self, sight: Sight) -> Kept[OpenStanding]:
        kept = self._standings.get(sight)
        if kept is None:
            sources = self._sources
            if len(self._standings) >= _SIGHTS:
                self._standings.clear()
            kept = self._standings[sight] = self._kept(
                lambda: sources.store.standing(sight, sources.clock()), _STANDING_FOR
            )
        return kept

    def _kept(self, find: Callable[[], Awaitable[_T]], every: timedelta) -> Kept[_T]:
        return Kept(find, every=every, patience=_PATIENCE, clock=self._sources.clock)

    async def _soon(self, sight: Sight) -> Page:
        try:
            return await self.by_date(sight, ListFilter(), after=None, limit=_SOON)
        except Unavailable as fault:
            return Page((), None, str(fault))

    async def _lines(self, found: Sequence[RequestView], following: DuePlace | None) -> Page:
        try:
            known = await self._sources.ledger.progress(
                sorted({one.answered_with for one in found})
            )
        except Unavailable as fault:
            return Page(tuple(_line(one, None, "") for one in found), following, str(fault))
        by_request = {one.request_id: one for one in known}
        lines = tuple(_line(one, by_request.get(one.answered_with), _OPENING) for one in found)
        return Page(lines, following)

    def _counted(
        self, lines: Sequence[Line], theirs: set[SystemId], owner: OrganisationId
    ) -> dict[SystemId, Missing]:
        counts = Counter(one for line in lines for one in line.waits_for if one in theirs)
        since = {
            one: min(line.request.accepted_at for line in lines if one in line.waits_for)
            for one in counts
        }
        now = self._sources.clock()
        return {
            one: Missing(owner, one, count, (now - since[one]).total_seconds())
            for one, count in counts.items()
        }


async def _if(is_seen: bool, kept: Kept[_T]) -> Shown[_T] | None:  # noqa: FBT001 - reads as a sentence
    return await kept.get() if is_seen else None


def _line(one: RequestView, progress: RequestProgress | None, unknown: str) -> Line:
    instead = _INSTEAD.get(one.state, "")
    if one.state is State.ANSWERED or instead:
        return Line(one, progress, (), instead)
    if progress is None:
        return Line(one, None, (), unknown)
    return Line(one, progress, progress.missing, "")
