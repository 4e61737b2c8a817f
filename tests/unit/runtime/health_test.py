"""Health: what is down, with the kind of fault and nothing of its text that others chose."""

from __future__ import annotations

import asyncio

import pytest

from dsr_runtime import health as module
from dsr_runtime.health import Health


async def up() -> None:
    """Answer."""


async def away() -> None:
    raise ConnectionRefusedError("marked-person@example.com")


async def not_ready() -> None:
    raise RuntimeError("not connected yet")


async def slow() -> None:
    raise TimeoutError


async def test_all_up_has_no_faults() -> None:
    health = Health()
    health.add("kafka", up)
    assert await health.faults() == {}


async def test_nothing_to_check_has_no_faults() -> None:
    assert await Health().faults() == {}


async def test_what_is_down_is_named_with_the_kind_of_fault() -> None:
    health = Health()
    for part, check in (("a", away), ("b", not_ready), ("c", slow), ("d", up)):
        health.add(part, check)
    assert await health.faults() == {
        "a": "ConnectionRefusedError",
        "b": "not connected yet",
        "c": "no answer in time",
    }


async def test_a_check_that_hangs_is_a_fault_and_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_CHECK_TIMEOUT_S", 0.01)  # a constant, not a part
    health = Health()
    health.add("kafka", asyncio.Event().wait)
    health.add("temporal", away)
    assert await health.faults() == {
        "kafka": "no answer in time",
        "temporal": "ConnectionRefusedError",
    }


async def test_a_check_registered_again_replaces_the_first() -> None:
    health = Health()
    health.add("kafka", away)
    health.add("kafka", up)
    assert await health.faults() == {}


async def test_a_part_that_is_awaited_is_a_fault_until_it_has_a_check() -> None:
    health = Health()
    health.expect("kafka", "postgresql")
    health.add("kafka", up)
    assert await health.faults() == {"postgresql": "not there yet"}
    health.add("postgresql", up)
    health.expect("postgresql")
    assert await health.faults() == {}
