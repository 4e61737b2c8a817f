"""The gate: bounded waits, and one for each thing that is missing."""

from __future__ import annotations

from unit.verifier.fakes import FakeRegistry

from dsr_verifier.application.gate import Gate
from dsr_verifier.application.reading import NotYetKnown


def missing(awaited: str, *, arrived: bool = False) -> NotYetKnown:
    return NotYetKnown("unknown", "not here", awaited=awaited, arrived=lambda: arrived)


async def test_each_missing_thing_is_waited_for_once() -> None:
    registry = FakeRegistry()
    gate = Gate(registry, wait_s=0.0)
    await gate.wait([missing("one")])
    assert registry.waits == []
    gate = Gate(registry, wait_s=0.001)
    await gate.wait([missing("one"), missing("two")])
    assert len(registry.waits) == 2
    gate._deadlines["one"] -= 1
    await gate.wait([missing("one")])
    assert len(registry.waits) == 2


async def test_what_has_arrived_is_waited_for_again_when_it_is_missing_again() -> None:
    registry = FakeRegistry()
    gate = Gate(registry, wait_s=30)
    await gate.wait([missing("one", arrived=True)])
    await gate.wait([missing("one", arrived=True)])
    assert len(registry.waits) == 2
    assert all(29 < wait <= 30 for wait in registry.waits)


async def test_a_wait_that_failed_is_forgotten_in_the_end() -> None:
    registry = FakeRegistry()
    gate = Gate(registry, wait_s=30)
    gate._deadlines["one"] = 1.0 - 600
    await gate.wait([missing("one")])
    assert len(registry.waits) == 1
