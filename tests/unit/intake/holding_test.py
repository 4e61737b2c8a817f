"""Holding: what one request refuses keeps no other from being put on hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from unittest.mock import AsyncMock

from prometheus_client import CollectorRegistry

from dsr_core.ids import RequestId
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

REFUSED, PLACED = a_request_id(1), a_request_id(2)

REQUESTS = {
    REFUSED: a_request_view(request_id=REFUSED, received_at=NOW - days(1)),
    PLACED: a_request_view(request_id=PLACED, received_at=NOW),
}


class Reads:
    """The two requests."""

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

    async def waiting(self, *, limit: int) -> Sequence[Held]:
        return self._waiting[:limit]


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


async def test_a_hold_that_is_refused_is_counted_and_the_next_is_placed() -> None:
    hold = LegalHold(
        hold_id="hold-1",
        request_id=None,
        authority="District Court",
        reason="litigation",
        placed_by="legal desk",
        effective_at=NOW,
        recorded_at=NOW,
    )
    waiting = Waiting(
        *(Held(hold=hold, request_id=one, system_ids=(), held_at=None) for one in REQUESTS)
    )
    registry, store, counted = FakeRegistryView(a_registry()), Store(), CollectorRegistry()
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
    holding = Holding(
        deciding=deciding,
        reads=Reads(),
        store=waiting,
        watch=HoldWatch(waiting),
        registry=registry,
        metrics=metrics,
        lookup=LookupKeys(b"k" * 32),
        clock=lambda: NOW,
    )
    await holding.work()
    assert store.decided == [PLACED]
    refused = counted.get_sample_value(
        "dsr_intake_holds_refused_total", {"reason": "invalid_decision"}
    )
    assert refused == 1


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
