"""Metrics as Prometheus reads them, made from what is said of them; no label grows beyond its bound."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from itertools import product
from typing import Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from dsr_core.metrics import OTHER, Label, Metric

__all__ = ["Instruments", "Labelled", "show_all"]

_Instrument = TypeVar("_Instrument", Counter, Gauge, Histogram)


class Labelled(Generic[_Instrument]):
    """A metric with labels; a value beyond a label's bound is counted as `other`."""

    def __init__(self, metric: Metric, parent: _Instrument) -> None:
        self._parent: _Instrument = parent
        self._bounds = [_Bound(label) for label in metric.labels]
        self._children: dict[tuple[object, ...], _Instrument] = {}
        # Where all values are known they are there from the start: the rise from zero to one is seen.
        for values in product(*(label.values for label in metric.labels)):
            self.labels(*values)

    def labels(self, *values: object) -> _Instrument:
        """Return the series of these values, in the order of the labels."""
        child = self._children.get(values)
        if child is None:
            admitted = self.admitted(*values)
            child = self._parent.labels(*admitted)
            if admitted == values:  # so that what is remembered is bounded as well
                self._children[values] = child
        return child

    @property
    def shown(self) -> tuple[tuple[object, ...], ...]:
        """The values of every series that there is."""
        return tuple(self._children)

    def admitted(self, *values: object) -> tuple[str, ...]:
        """Return the values as they are shown."""
        return tuple(
            bound.admit(str(value)) for bound, value in zip(self._bounds, values, strict=True)
        )


class _Bound:
    """Admits the values that a label may have: those that are named, else the first so many."""

    def __init__(self, label: Label) -> None:
        self._left = 0 if label.values else label.at_most
        self._admitted = set(label.values)

    def admit(self, value: str) -> str:
        if value in self._admitted:
            return value
        if self._left == 0:
            return OTHER
        self._left -= 1
        self._admitted.add(value)
        return value


class Instruments:
    """Makes metrics on a registry: those without labels to be used, those with to be `Labelled`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Show what the process and its Python say of themselves as well."""
        self.registry = registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    def counter(self, metric: Metric) -> Counter:
        """Return a counter without labels."""
        return self._made(Counter, metric)

    def counters(self, metric: Metric) -> Labelled[Counter]:
        """Return a counter with labels."""
        return Labelled(metric, self._made(Counter, metric))

    def gauge(self, metric: Metric) -> Gauge:
        """Return a gauge without labels."""
        return self._made(Gauge, metric)

    def gauges(self, metric: Metric) -> Labelled[Gauge]:
        """Return a gauge with labels."""
        return Labelled(metric, self._made(Gauge, metric))

    def histogram(self, metric: Metric) -> Histogram:
        """Return a histogram without labels."""
        return self._histogram(metric)

    def histograms(self, metric: Metric) -> Labelled[Histogram]:
        """Return a histogram with labels."""
        return Labelled(metric, self._histogram(metric))

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(
            metric.name,
            metric.meaning,
            _names(metric),
            buckets=metric.buckets,
            registry=self.registry,
        )

    def _made(self, kind: Callable[..., _Instrument], metric: Metric) -> _Instrument:
        return kind(metric.name, metric.meaning, _names(metric), registry=self.registry)


def show_all(
    gauge: Labelled[Gauge],
    numbers: Mapping[tuple[object, ...], float],
    *,
    together: Callable[[float, float], float] = operator.add,
) -> None:
    """Show all the numbers that there are; a series that was shown before and is not among them is zero.

    Args:
        gauge: Where.
        numbers: By the values of the labels.
        together: What is shown of two numbers that share a series, since they lie beyond a bound.
    """
    found: dict[tuple[object, ...], float] = {}
    for values, number in numbers.items():
        key: tuple[object, ...] = gauge.admitted(*values)
        found[key] = together(found[key], number) if key in found else number
    for key in dict.fromkeys((*gauge.shown, *found)):
        gauge.labels(*key).set(found.get(key, 0.0))


def _names(metric: Metric) -> tuple[str, ...]:
    return tuple(label.name for label in metric.labels)
