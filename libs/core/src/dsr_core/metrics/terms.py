"""What is said of a metric: its name, unit and meaning, and which labels it has, each with its bound.

Only data. `dsr_runtime.metrics` makes of it what Prometheus reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["OTHER", "Kind", "Label", "Metric", "collected"]

OTHER = "other"
"""What a value is shown as that lies beyond the bound of its label."""


class Kind(StrEnum):
    """What Prometheus makes of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Label:
    """One label, and how many values it can ever have: those named, or so many, and `other`."""

    name: str
    meaning: str
    at_most: int
    values: tuple[str, ...] = ()
    """All of them, where they are known beforehand."""

    @classmethod
    def of(cls, name: str, meaning: str, values: Iterable[str]) -> Label:
        """Return a label whose values are known."""
        named = tuple(values)
        return cls(name, meaning, len(named), named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of one service."""

    name: str
    """As it is declared; a counter shows with `_total` behind it."""

    kind: Kind
    meaning: str
    unit: str = ""
    """What one is of it, where the name does not end in a unit."""

    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    """The upper bounds of a histogram, without infinity."""

    @property
    def exposed(self) -> str:
        """The name by which Prometheus knows it; a histogram's without `_bucket`, `_sum`, `_count`."""
        return f"{self.name}_total" if self.kind is Kind.COUNTER else self.name

    @property
    def samples(self) -> frozenset[str]:
        """The name of every sample that it can show."""
        if self.kind is Kind.HISTOGRAM:
            return frozenset(self.name + part for part in ("_bucket", "_sum", "_count"))
        return frozenset({self.exposed})

    @property
    def series(self) -> int:
        """How many series one process can ever make of it."""
        count = len(self.buckets) + 3 if self.kind is Kind.HISTOGRAM else 1
        for label in self.labels:
            count *= label.at_most + 1
        return count


def collected(names: dict[str, object]) -> tuple[Metric, ...]:
    """Return the metrics among what a module names, in the order of its text."""
    return tuple(one for one in names.values() if isinstance(one, Metric))
