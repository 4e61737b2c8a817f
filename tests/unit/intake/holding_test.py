"""Holding: what one request refuses keeps no other from being put on hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from unittest.mock import AsyncMock

from prometheus_client import CollectorRegistry

from dsr_core.ids import RequestId, SystemId
from dsr_core.registry import Registry
from dsr_intake.application.dating import Dating
from dsr_intake.application.deciding import Deciding
from dsr_intake.application.holding import Holding
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.application.watching import HoldWatch
from dsr_intake.metrics import Metrics
from dsr_intake.model import Held, KeyTag, LegalHold, RequestView, Ruling
from dsr_intake.ports import Resolve, ScopeOf, Tell
from support.builders import NOW, a_registry, a_request_id, a_system, days
from support.intake_fakes import (
    FakeDecisions,
    FakeHolds,
    FakeRegistryView,
    a_request_view,
    no_holidays,
)

REFUSED, PLACED, AHEAD, AHEAD_TOO = (a_request_id(number) for number in (1, 2, 3, 4))

REQUESTS = {
    REFUSED: a_request_view(request_id=REFUSED, received_at=NOW - days(1)),
    PLACED: a_request_view(request_id=PLACED, received_at=NOW),
    **{
        one: replace(
            a_request_view(request_id=one, received_at=NOW), registry_digest="not here yet"
        )
        for one in (AHEAD, AHEAD_TOO)
    },
}


class Reads:
    """The requests."""

    async def any(self, request_id: str) -> RequestView | None:
        return REQUESTS.get(RequestId(request_id))


class Store(FakeDecisions):
    """Keeps for whom something was decided."""

    def __init__(self) -> None:
        super().__init__()
        self.decided: list[str] = []

    async def decide(self, request_id: str, resolve: Resolve, tell: Tell) -> Ruling | None:
        del tell
        ruling = resolve(REQUESTS[RequestId(request_id)], ())
        self.decided.append(request_id)
        return ruling


class Waiting(FakeHolds):
    """Holds that wait to be placed."""

    def __init__(self, *held: Held) -> None:
        super().__init__(*held)
        self._waiting = list(held)

    async def watched(self) -> list[tuple[bytes, LegalHold]]:
        return []

    async def cover_late(self, *, since: datetime, scope: ScopeOf) -> None:
        pass

    async def waiting(self, *, after: tuple[str, RequestId] | None, limit: int) -> Sequence[Held]:
        keys = [(one.hold.hold_id, one.request_id) for one in self._waiting]
        return self._waiting[keys.index(after) + 1 if after else 0 :][:limit]


class Late(Waiting):
    """Has a request that came at the same moment as a hold on some systems, by a later version."""

    covered: tuple[SystemId, ...] | None = None

    async def cover_late(self, *, since: datetime, scope: ScopeOf) -> None:
        del since
        some = replace(HOLD, system_ids=(SystemId("billing"),))
        self.covered = await scope(some, "not here yet")


class CountingRegistry(FakeRegistryView):
    """Keeps which versions were asked for."""

    def __init__(self, current: Registry) -> None:
        super().__init__(current)
        self.asked: list[str] = []

    async def version(self, digest: str) -> Registry:
        self.asked.append(digest)
        return await super().version(digest)


class Placing(Waiting):
    """Keeps what a hold is about."""

    scope: ScopeOf

    async def add(
        self,
        hold: LegalHold,
        hashes: Sequence[bytes],
        scope: ScopeOf,
        tag: KeyTag | None = None,
    ) -> bool:
        del hold, hashes, tag
        self.scope = scope
        return True


HOLD = LegalHold(
    hold_id="hold-1",
    request_id=None,
    authority="District Court",
    reason="litigation",
    placed_by="legal desk",
    effective_at=NOW,
    recorded_at=NOW,
)


def held(*requests: RequestId, hold: LegalHold = HOLD) -> list[Held]:
    return [Held(hold=hold, request_id=one, system_ids=(), held_at=None) for one in requests]


def a_holding(
    waiting: Waiting, store: Store, counted: CollectorRegistry, registry: FakeRegistryView
) -> Holding:
    metrics = Metrics(counted)
    deciding = Deciding(
        reads=Reads(),
        store=store,
        registry=registry,
        dating=Dating(no_holidays),
        metrics=metrics,
        clock=lambda: NOW - timedelta(seconds=1),  # it was set back meanwhile
        on_committed=lambda: None,
    )
    return Holding(
        deciding=deciding,
        reads=Reads(),
        store=waiting,
        watch=HoldWatch(waiting),
        registry=registry,
        metrics=metrics,
        lookup=LookupKeys(b"k" * 32),
        clock=lambda: NOW,
    )


def refused(counted: CollectorRegistry, reason: str) -> float | None:
    return counted.get_sample_value("dsr_intake_holds_refused_total", {"reason": reason})


async def test_a_hold_that_is_refused_is_counted_and_the_next_is_placed() -> None:
    store, counted = Store(), CollectorRegistry()
    waiting = Waiting(*held(REFUSED, PLACED))
    await a_holding(waiting, store, counted, FakeRegistryView(a_registry())).work()
    assert store.decided == [PLACED]
    assert refused(counted, "invalid_decision") == 1


async def test_a_hold_whose_version_has_not_arrived_keeps_no_other_from_being_placed() -> None:
    registry = CountingRegistry(a_registry())
    store, counted = Store(), CollectorRegistry()
    waiting = Waiting(*held(AHEAD, AHEAD_TOO, PLACED))
    await a_holding(waiting, store, counted, registry).work()
    assert store.decided == [PLACED]
    assert refused(counted, "unavailable") == 2
    assert registry.asked.count("not here yet") == 1, "waited for it more than once in a round"


async def test_more_refused_holds_than_one_look_takes_starve_no_later_one() -> None:
    refusing = [
        one
        for number in range(150)
        for one in held(REFUSED, hold=replace(HOLD, hold_id=f"{number:03}"))
    ]
    store, counted = Store(), CollectorRegistry()
    waiting = Waiting(*refusing, *held(PLACED))
    await a_holding(waiting, store, counted, FakeRegistryView(a_registry())).work()
    assert store.decided == [PLACED]
    assert refused(counted, "invalid_decision") == len(refusing)


async def test_what_came_beside_a_hold_is_held_whole_while_its_version_has_not_arrived() -> None:
    waiting = Late(*held(PLACED))
    store = Store()
    holding = a_holding(waiting, store, CollectorRegistry(), FakeRegistryView(a_registry()))
    await holding.work()
    assert waiting.covered == ()
    assert store.decided == [PLACED]


async def test_a_hold_reaches_what_joined_since_a_request_was_planned() -> None:
    former = a_registry()
    newest = a_registry(*former.systems, a_system("archive", categories=("user.payment",)))
    registry, store = FakeRegistryView(newest, former=[former]), Placing()
    holding = Holding(
        deciding=AsyncMock(Deciding),
        reads=Reads(),
        store=store,
        watch=HoldWatch(store),
        registry=registry,
        metrics=Metrics(CollectorRegistry()),
        lookup=LookupKeys(b"k" * 32),
        clock=lambda: NOW,
    )
    for system_ids, categories, expected in (
        (["archive"], [], ("archive",)),
        ([], ["user.payment"], ("archive", "billing")),
        ([], [], ()),
    ):
        hold = await holding.place(
            by="legal desk",
            authority="District Court",
            reason="litigation",
            about=PLACED,
            system_ids=system_ids,
            categories=categories,
            effective_at=None,
        )
        assert await store.scope(hold, former.digest) == expected
