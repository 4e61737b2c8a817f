"""The breaker's limits: what is set, what is usual, and the least that passes in any case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from unittest.mock import AsyncMock

import pytest
from prometheus_client import CollectorRegistry

from dsr_core.errors import RuleViolation
from dsr_intake.application.breaking import LEARNS_FROM, Breaker, BreakerPolicy, learnt
from dsr_intake.metrics import Metrics
from dsr_intake.ports.breaker import BreakerStore
from support.builders import NOW, an_id

POLICY = BreakerPolicy(floor=100, factor=3, limits={"acme": 7})


def a_store(*, days: dict[str, list[int]] | None = None, refused: Sequence[str] = ()) -> AsyncMock:
    said = {
        "busiest_days.return_value": days or {},
        "pass_.return_value": refused,
        "scopes.return_value": (),
    }
    return AsyncMock(BreakerStore, **said)


def a_breaker(store: AsyncMock) -> Breaker:
    return Breaker(store, policy=POLICY, metrics=Metrics(CollectorRegistry()), clock=lambda: NOW)


async def limits(days: dict[str, list[int]], *organisations: str) -> dict[str, int]:
    store = a_store(days=days)
    breaker = a_breaker(store)
    await breaker.learn()
    await breaker.pass_(an_id(1), 1, organisations)
    _, _, asked = store.pass_.await_args.args
    return dict(asked)


async def test_what_is_set_stands_in_place_of_what_is_usual() -> None:
    assert (await limits({"acme": [900, 900]}, "acme"))["acme"] == 7


async def test_the_floor_passes_while_less_is_usual() -> None:
    assert await limits({"*": [10, 20, 30]}, "billing-group") == {"*": 100, "billing-group": 100}


async def test_a_multiple_of_what_is_usual_passes() -> None:
    assert (await limits({"*": [200, 100, 300]}))["*"] == 600


def test_a_few_unusual_days_make_nothing_usual() -> None:
    assert learnt({"*": [10, 11, 12, 1_000_000, 2_000_000]}) == {"*": 12}
    assert learnt({"*": []}) == {}


async def test_today_is_not_learnt_from() -> None:
    store = a_store()
    await a_breaker(store).learn()
    since, until = store.busiest_days.await_args.args
    assert until <= NOW < until + timedelta(days=1)
    assert (until.hour, until.minute, since) == (0, 0, NOW - LEARNS_FROM)


@pytest.mark.parametrize(
    ("refused", "where"), [(["*"], "the whole group"), (["acme", "zeta"], "acme, zeta")]
)
async def test_the_refusal_says_where_erasures_are_stopped(refused: list[str], where: str) -> None:
    with pytest.raises(RuleViolation, match=where) as caught:
        await a_breaker(a_store(refused=refused)).pass_(an_id(1), 1, ["acme", "zeta"])
    assert caught.value.reason == "breaker_tripped"
