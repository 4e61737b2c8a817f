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
from dsr_intake.model.breaker import BreakerLimits
from dsr_intake.ports.breaker import BreakerStore
from support.builders import NOW, an_id

POLICY = BreakerPolicy(
    floor=100, day_floor=250, factor=3, limits={"acme": 7}, day_limits={"zeta": 11}
)


def a_store(
    *,
    hours: dict[str, list[int]] | None = None,
    days: dict[str, list[int]] | None = None,
    refused: Sequence[str] = (),
) -> AsyncMock:
    said = {
        "busiest_hours.return_value": hours or {},
        "whole_days.return_value": days or {},
        "pass_.return_value": refused,
        "scopes.return_value": (),
    }
    return AsyncMock(BreakerStore, **said)


def a_breaker(store: AsyncMock) -> Breaker:
    return Breaker(store, policy=POLICY, metrics=Metrics(CollectorRegistry()), clock=lambda: NOW)


async def asked(store: AsyncMock, *organisations: str) -> dict[str, BreakerLimits]:
    """Return the limits that the store is given once the breaker has learnt from it."""
    breaker = a_breaker(store)
    await breaker.learn()
    await breaker.pass_(an_id(1), 1, organisations)
    _, _, limits = store.pass_.await_args.args
    return dict(limits)


async def limits(hours: dict[str, list[int]], *organisations: str) -> dict[str, int]:
    found = await asked(a_store(hours=hours), *organisations)
    return {scope: one.window for scope, one in found.items()}


async def day_limits(days: dict[str, list[int]], *organisations: str) -> dict[str, int]:
    found = await asked(a_store(days=days), *organisations)
    return {scope: one.day for scope, one in found.items()}


async def test_what_is_set_stands_in_place_of_what_is_usual() -> None:
    assert (await limits({"acme": [900, 900]}, "acme"))["acme"] == 7


async def test_the_floor_passes_while_less_is_usual() -> None:
    assert await limits({"*": [10, 20, 30]}, "billing-group") == {"*": 100, "billing-group": 100}


async def test_a_multiple_of_what_is_usual_passes() -> None:
    assert (await limits({"*": [200, 100, 300]}))["*"] == 600


async def test_a_day_has_a_limit_of_its_own_that_is_learnt_in_the_same_way() -> None:
    assert await day_limits({"*": [10, 20, 30]}, "acme") == {"*": 250, "acme": 250}
    assert (await day_limits({"*": [200, 100, 300]}))["*"] == 600
    assert (await day_limits({"zeta": [900, 900]}, "zeta"))["zeta"] == 11


async def test_what_may_pass_at_once_may_pass_in_a_day() -> None:
    found = await asked(a_store(hours={"*": [200], "billing": [50]}, days={"*": [210]}), "billing")
    assert found == {"*": BreakerLimits(600, 630), "billing": BreakerLimits(150, 250)}
    found = await asked(a_store(hours={"*": [200]}, days={"*": [100]}))
    assert found == {"*": BreakerLimits(600, 600)}


def test_a_few_unusual_days_make_nothing_usual() -> None:
    assert learnt({"*": [10, 11, 12, 1_000_000, 2_000_000]}) == {"*": 12}
    assert learnt({"*": []}) == {}


async def test_today_is_not_learnt_from() -> None:
    store = a_store()
    await a_breaker(store).learn()
    since, until = store.busiest_hours.await_args.args
    assert store.whole_days.await_args == store.busiest_hours.await_args
    assert until <= NOW < until + timedelta(days=1)
    assert (until.hour, until.minute, since) == (0, 0, NOW - LEARNS_FROM)


@pytest.mark.parametrize(
    ("refused", "where"), [(["*"], "the whole group"), (["acme", "zeta"], "acme, zeta")]
)
async def test_the_refusal_says_where_erasures_are_stopped(refused: list[str], where: str) -> None:
    with pytest.raises(RuleViolation, match=where) as caught:
        await a_breaker(a_store(refused=refused)).pass_(an_id(1), 1, ["acme", "zeta"])
    assert caught.value.reason == "breaker_tripped"
