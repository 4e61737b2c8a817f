"""Which tiers of an undecided appeal have come, and are told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from dsr_contracts.v1 import escalations_pb2
from dsr_core.ids import RequestId
from dsr_core.law.rules import Tier, TierAction
from dsr_core.lifecycle import State
from dsr_intake.application.dating import Dating
from dsr_intake.application.undecided import Undecided
from dsr_intake.metrics import Metrics
from dsr_intake.model import RequestView
from dsr_intake.model.tiers import PassedTier
from dsr_wire.envelope import Outgoing, decode
from support.builders import NOW, a_regime, the_rules
from support.intake_fakes import FakeRegistryView, a_request_view

OFFICE = TierAction.ESCALATE_TO_PRIVACY_OFFICE
TWICE = (Tier(percent=50, action=OFFICE), Tier(percent=75, action=OFFICE))


class Store:
    """One appeal that waits, received 80 % of its time ago."""

    def __init__(self, one: RequestView, passed: Sequence[PassedTier]) -> None:
        self.one, self.told = one, list[Outgoing]()
        self._passed = tuple(passed)

    async def undecided(
        self, *, after: str | None, limit: int
    ) -> list[tuple[RequestView, tuple[PassedTier, ...]]]:
        return [] if after else [(self.one, self._passed)][:limit]

    async def passed(
        self,
        request_id: RequestId,
        tiers: Sequence[Tier],
        tell: Callable[[Tier], Outgoing],
        *,
        at: datetime,
    ) -> list[Tier]:
        assert (request_id, at) == (self.one.request_id, NOW)
        self.told += [tell(one) for one in tiers]
        return list(tiers)


@pytest.mark.parametrize(
    ("passed", "told"),
    [
        ([], [50, 75]),
        ([PassedTier(OFFICE, 50, NOW)], [75]),
        ([PassedTier(OFFICE, 0, NOW - timedelta(days=2))], [75]),
        ([PassedTier(OFFICE, 0, NOW)], []),
    ],
    ids=["none", "the first", "the first, as it was kept before", "both, as they were kept before"],
)
async def test_of_two_tiers_with_one_action_each_is_told_of(
    passed: list[PassedTier], told: list[int]
) -> None:
    rules = the_rules(replace(a_regime(), tiers=TWICE))
    one = a_request_view(
        state=State.AWAITING_DECISION,
        rules_digest=rules.digest,
        received_at=NOW - timedelta(days=8),
        due_at=NOW + timedelta(days=2),
    )
    store = Store(one, passed)
    undecided = Undecided(
        store=store,
        registry=FakeRegistryView(None, rules),
        dating=Dating(lambda *_: {}),
        metrics=Metrics(CollectorRegistry()),
        clock=lambda: NOW,
        on_committed=lambda: None,
    )
    await undecided.work()
    read = [decode(each.value, each.headers, escalations_pb2.Escalation) for each in store.told]
    moments = {50: one.received_at + timedelta(days=5), 75: one.received_at + timedelta(days=7.5)}
    assert [each.tier_at.ToDatetime(NOW.tzinfo) for each in read] == [moments[n] for n in told]
