"""Sampling: which erasures are looked at again long after the closing, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_core.closing import Outcome
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_intake.application.sampling import Sampling, SamplingPolicy
from dsr_wire.codec.closures import Closure
from support.builders import NOW, a_closure, a_registry, a_request_id, a_system, days
from support.intake_fakes import FakeRegistryView

LOOKS = a_registry(
    a_system("billing"), a_system("crm", looks_later=True), a_system("vault", looks_again=True)
)


def sampling(
    draws: Iterable[float], *, share: float = 0.1, registry: Registry | None = LOOKS
) -> Sampling:
    policy = SamplingPolicy(share, earliest=days(30), latest=days(180))
    return Sampling(policy=policy, draw=iter(draws).__next__, registry=FakeRegistryView(registry))


def closures(count: int) -> list[Closure]:
    return [a_closure(request_id=a_request_id(number)) for number in range(count)]


def test_a_system_that_looks_is_drawn_where_chance_has_it_and_at_a_time_between_the_bounds() -> (
    None
):
    drawn = sampling([0.5, 0.05, 0.0, 0.0999, 0.5, 0.1]).drawn(closures(2))
    assert drawn == {
        a_request_id(0): {"vault": NOW + days(30)},
        a_request_id(1): {"crm": NOW + days(105)},
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"right": Right.ACCESS},
        {"outcome": Outcome.WITHDRAWN},
        {"outcome": Outcome.NOT_VERIFIED},
        {"outcome": Outcome.REFUSED},
        {"outcome": Outcome.REFERRED},
    ],
)
def test_where_nothing_was_to_be_erased_nothing_is_drawn(changes: dict[str, object]) -> None:
    assert sampling([]).drawn([replace(a_closure(), **changes)]) == {}  # type: ignore[arg-type]  # as given


def test_a_closure_that_comes_again_is_drawn_once() -> None:
    assert sampling([0.5, 0.5]).drawn([a_closure(), a_closure()]) == {}


@pytest.mark.parametrize("registry", [None, a_registry(a_system("crm"))])
def test_without_a_system_that_looks_nothing_is_drawn(registry: Registry | None) -> None:
    assert sampling([], registry=registry).drawn(closures(3)) == {}


def test_a_share_of_nothing_asks_chance_nothing() -> None:
    assert sampling([], share=0).drawn(closures(3)) == {}


@given(
    share=st.floats(0, 1),
    chances=st.lists(st.floats(0, 1, exclude_max=True), min_size=20, max_size=20),
)
def test_every_time_drawn_is_between_the_bounds_and_only_systems_that_look_are(
    share: float, chances: list[float]
) -> None:
    drawn = sampling(chances, share=share).drawn(closures(5))
    for systems in drawn.values():
        assert systems.keys() <= {"crm", "vault"}
        assert all(NOW + days(30) <= at <= NOW + days(180) for at in systems.values())
    if share == 1:
        assert len(drawn) == 5
