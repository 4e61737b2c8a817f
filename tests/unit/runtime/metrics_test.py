"""Metrics have as many series as was said, whatever values come."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from dsr_core.errors import Unavailable
from dsr_core.metrics import OTHER, Kind, Label, Metric
from dsr_runtime.metrics import Instruments, show_all
from dsr_runtime.seldom import Seldom

COUNTED = Metric(
    name="dsr_test_counted",
    kind=Kind.COUNTER,
    meaning="What a test counts",
    labels=(
        Label.of("known", "named beforehand", ("one", "two")),
        Label("open", "the first three", 3),
    ),
)
MEASURED = Metric(
    name="dsr_test_measured",
    kind=Kind.GAUGE,
    meaning="What a test measures",
    labels=(Label("open", "the first two", 2),),
)


def shown(registry: CollectorRegistry, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name
    }


def test_a_value_beyond_the_bound_makes_no_series_of_its_own() -> None:
    registry = CollectorRegistry()
    counted = Instruments(registry).counters(COUNTED)
    for n in range(1000):
        counted.labels(f"made-up-{n}", f"value-{n}").inc()
        counted.labels("one", f"value-{n}").inc()
    found = shown(registry, "dsr_test_counted_total")
    assert len(found) <= COUNTED.series
    assert set(found) == {
        *((known, f"value-{n}") for known in ("one", OTHER) for n in range(3)),
        ("one", OTHER),
        (OTHER, OTHER),
    }
    assert sum(found.values()) == 2000, "nothing that was counted is lost"
    assert found["one", "value-1"] == 1
    assert found["one", OTHER] == 997


def test_what_is_remembered_of_values_is_bounded_as_well() -> None:
    counted = Instruments(CollectorRegistry()).counters(COUNTED)
    for n in range(1000):
        counted.labels("one", f"value-{n}").inc()
    assert len(counted.shown) <= COUNTED.series


def test_what_is_not_there_any_more_is_zero() -> None:
    registry = CollectorRegistry()
    measured = Instruments(registry).gauges(MEASURED)
    show_all(measured, {("a",): 3, ("b",): 4})
    show_all(measured, {("b",): 5})
    assert shown(registry, "dsr_test_measured") == {("a",): 0, ("b",): 5}


def test_numbers_beyond_the_bound_are_added_or_as_is_said() -> None:
    registry = CollectorRegistry()
    measured = Instruments(registry).gauges(MEASURED)
    numbers = {("a",): 3.0, ("b",): 4.0, ("c",): 5.0, ("d",): 6.0}
    show_all(measured, numbers)
    show_all(measured, numbers)
    assert shown(registry, "dsr_test_measured") == {("a",): 3, ("b",): 4, (OTHER,): 11}
    show_all(measured, numbers, together=max)
    assert shown(registry, "dsr_test_measured")[(OTHER,)] == 6


def test_the_process_and_its_python_are_shown_as_well() -> None:
    registry = CollectorRegistry()
    Instruments(registry)
    names = {metric.name for metric in registry.collect()}
    assert {"process_resident_memory_bytes", "python_info", "python_gc_collections"} <= names


async def test_what_takes_long_is_done_seldom() -> None:
    now, takes, is_away = 100.0, 2.0, False

    async def work() -> None:
        nonlocal now
        now += takes
        if is_away:
            raise Unavailable("away")

    seldom = Seldom(work, every_s=10.0, else_say="counted later", monotonic=lambda: now)
    assert await seldom.turn() == 100.0, "two seconds of work, a hundred of rest"
    is_away = True
    assert await seldom.turn() == 100.0, "what fails after a while is not tried at once"
    takes = 0.0
    assert await seldom.turn() == 10.0


async def test_work_in_hand_is_given_up_when_the_process_stops() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    seldom = Seldom(work, every_s=60.0, else_say="counted later")
    running = asyncio.create_task(seldom.run())
    await begun.wait()
    seldom.stop()
    await asyncio.wait_for(running, 5)


async def test_a_fault_of_the_work_is_not_hidden() -> None:
    async def work() -> None:
        raise RuntimeError("a fault")

    seldom = Seldom(work, every_s=60.0, else_say="counted later")
    with pytest.raises(RuntimeError, match="a fault"):
        await asyncio.wait_for(seldom.run(), 5)


async def test_seldom_ends_when_it_is_asked_to() -> None:
    seldom: Seldom
    done = 0

    async def work() -> None:
        nonlocal done
        done += 1
        seldom.stop()

    seldom = Seldom(work, every_s=60.0, else_say="counted later")
    await asyncio.wait_for(seldom.run(), 5)
    assert done == 1
