"""Limits of calls: a bucket and a cap for each principal, and nobody pays for another."""

from __future__ import annotations

import asyncio

import pytest

from dsr_intake.application import limiting
from dsr_intake.application.limiting import BURST_S, Limiter, TooMany
from dsr_intake.model.principals import Authentication, Limits, Principal, PrincipalKind


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def somebody(name: str = "web", limits: Limits | None = None) -> Principal:
    return Principal(
        id=name,
        kind=PrincipalKind.CLIENT,
        scopes=frozenset(),
        authentication=Authentication.API_KEY,
        limits=limits,
    )


def entered(limiter: Limiter, who: Principal) -> int:
    """Return how many calls are let in one after the other."""
    count = 0
    while True:
        try:
            limiter.enter(who).release()
        except TooMany:
            return count
        count += 1


def test_a_burst_is_let_in_and_then_as_much_as_grows_back() -> None:
    clock = Clock()
    limiter = Limiter(Limits(10, 5), clock=clock)
    assert entered(limiter, somebody()) == 10 * BURST_S
    with pytest.raises(TooMany) as refused:
        limiter.enter(somebody())
    assert refused.value.retry_after_s == pytest.approx(0.1)
    clock.now += 1
    assert entered(limiter, somebody()) == 10
    clock.now += 1000
    assert entered(limiter, somebody()) == 10 * BURST_S


def test_calls_at_once_are_capped_and_counted_down() -> None:
    limiter = Limiter(Limits(1000, 2), clock=Clock())
    first, _ = limiter.enter(somebody()), limiter.enter(somebody())
    with pytest.raises(TooMany):
        limiter.enter(somebody())
    first.release()
    first.release()  # repeats safely: one place is free, not two
    limiter.enter(somebody())
    with pytest.raises(TooMany):
        limiter.enter(somebody())


def test_one_who_floods_takes_nothing_from_another() -> None:
    limiter = Limiter(Limits(10, 1), clock=Clock())
    entered(limiter, somebody("flood"))
    limiter.enter(somebody("other"))


def test_limits_of_its_own_hold_in_place_of_the_settings() -> None:
    limiter = Limiter(Limits(10, 1), clock=Clock())
    assert entered(limiter, somebody(limits=Limits(50, 1))) == 50 * BURST_S


async def test_what_is_taken_beyond_the_share_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    limiter = Limiter(Limits(10, 5), clock=clock)
    lease = limiter.enter(somebody())
    await lease.take(19)
    assert slept == []
    await lease.take(25)
    assert sum(slept) == pytest.approx(2.5)
    with pytest.raises(TooMany):
        limiter.enter(somebody())


def test_who_is_forgotten_had_a_full_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many principals there are, what is kept is bounded, and nobody wins by being many."""
    monkeypatch.setattr(limiting, "_KNOWN_LIMIT", 3)
    clock = Clock()
    limiter = Limiter(Limits(10, 5), clock=clock)
    entered(limiter, somebody("flood"))
    running = limiter.enter(somebody("running"))
    clock.now += 1
    for number in range(10):
        limiter.enter(somebody(f"one of many {number}")).release()
    assert entered(limiter, somebody("flood")) == 10
    clock.now += BURST_S
    limiter.enter(somebody("last")).release()
    assert entered(limiter, somebody("running")) > 0
    running.release()
