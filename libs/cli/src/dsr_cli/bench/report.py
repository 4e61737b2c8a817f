"""What a run says: one JSON object for machines, a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from statistics import median
from typing import Any

from rich.table import Table

__all__ = ["Access", "Lean", "Percentiles", "Report", "beside", "percentiles", "report_table"]

SERVICES = ("intake", "fanout", "verifier")


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a number of durations, in milliseconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lean:
    """What the lean loop did with the same systems, tables and cohorts on the same stack."""

    closed_per_s: float
    ended_per_s: float
    cpu_ms_per_request: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What requests for access did on the same stack, after as many deletions."""

    closed_per_s: float
    packaged_per_s: float
    """From the same start until every package was ready to be fetched."""

    cpu_ms_per_request: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one run showed."""

    systems: int
    workers: int = 1
    """Processes of fanout, and of the verifier."""

    partitions: int | None = None
    """Of the topics that they share; none where they are as the topics' table says."""

    requests: int
    cohort_size: float
    """Requests a workflow, as the ledger has them."""

    closed: int
    submitted_per_s: float
    closed_per_s: float
    """From the start of the first call until the ledger had closed them all."""

    ended_per_s: float
    """From the same start until the workflows had ended too."""

    latency_ms: Mapping[str, Percentiles]
    cpu_ms_per_request: Mapping[str, float]
    resident_mb: Mapping[str, float]
    history_events: Mapping[str, int]
    rows_left: int
    """Rows of the people asked for that are still there; anything but 0 is a fault."""

    machine: Mapping[str, str | int]
    lean: Lean | None = None
    ratio_to_lean: float | None = None
    """Of requests closed a second, in all turns of both loops."""

    ratio_of_turns: Sequence[float] | None = None
    """The same of each turn by itself."""

    packaged_per_s: float | None = None
    """Of requests for access alone."""

    access: Access | None = None
    ratio_to_deletion: float | None = None
    """Of access to deletion, closed a second."""

    def content(self) -> dict[str, Any]:
        """Return what is printed as JSON; what was not measured is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def beside(deletion: Report, access: Report) -> Report:
    """Return the report of deletions, with that of access beside it."""
    found = Access(
        closed_per_s=access.closed_per_s,
        packaged_per_s=access.packaged_per_s or 0.0,
        cpu_ms_per_request=access.cpu_ms_per_request,
    )
    ratio = round(access.closed_per_s / deletion.closed_per_s, 2)
    return replace(deletion, access=found, ratio_to_deletion=ratio)


def percentiles(durations: Sequence[float]) -> Percentiles:
    """Return the nearest ranks."""
    if not durations:
        return Percentiles(0.0, 0.0, 0.0)
    ordered = sorted(durations)

    def rank(share: float) -> float:
        return round(ordered[max(0, ceil(share * len(ordered)) - 1)], 1)

    return Percentiles(rank(0.50), rank(0.95), rank(0.99))


def report_table(report: Report) -> Table:
    """Return the report for people."""
    lean = report.lean
    table = Table(
        title=f"{report.requests} requests, {report.systems} systems of five tables each, "
        f"{report.cohort_size:g} a cohort"
    )
    table.add_column("")
    table.add_column("the loop", justify="right")
    if lean is not None:
        table.add_column("lean loop", justify="right")

    def row(name: str, value: object, beside: object = "") -> None:
        table.add_row(name, str(value), *([str(beside)] if lean is not None else []))

    row("closed a second", report.closed_per_s, lean.closed_per_s if lean else "")
    row("ended a second", report.ended_per_s, lean.ended_per_s if lean else "")
    row("submitted a second", report.submitted_per_s)
    if report.access is not None:
        row("access: closed a second", report.access.closed_per_s)
        row("access: packages ready a second", report.access.packaged_per_s)
        row("access to deletion, closed a second", report.ratio_to_deletion)
    if report.ratio_to_lean is not None:
        row("ratio of closed a second", report.ratio_to_lean)
    if report.ratio_of_turns:
        ratios = report.ratio_of_turns
        row(
            "the same of each turn",
            f"{min(ratios):g} to {max(ratios):g}, {median(ratios):g} in the middle",
        )
    for name, latency in report.latency_ms.items():
        row(
            f"{name.replace('_', ' ')}, ms p50 / p95 / p99",
            f"{latency.p50:g} / {latency.p95:g} / {latency.p99:g}",
        )
    table.add_section()
    for name, ms in report.cpu_ms_per_request.items():
        row(f"CPU ms a request, {name}", ms, lean.cpu_ms_per_request.get(name, "") if lean else "")
    table.add_section()
    for name, megabytes in report.resident_mb.items():
        row(f"resident MB, {name}", megabytes)
    table.add_section()
    events = report.history_events
    row("events in a history, median / most", f"{events['median']} / {events['most']}")
    row("rows left of the people asked", report.rows_left)
    row("machine", f"{report.machine['cores']} x {report.machine['cpu']}")
    return table
