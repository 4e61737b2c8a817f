"""Scaling: how the loop's throughput grows with the processes of its services."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from dsr_cli.bench.report import Report
from dsr_wire.topics import REQUESTS

__all__ = ["scale_markdown", "scale_table"]

_COLUMNS = (
    "processes each",
    "partitions",
    "closed a second",
    "of the first",
    "CPU ms a request",
    "services MB",
)
_CAPTION = "fanout and the verifier in so many processes each; intake, Kafka, Temporal and PostgreSQL in one"


def scale_table(reports: Sequence[Report]) -> Table:
    """Return runs with more and more processes, each beside the first."""
    table = Table(title=_title(reports[0]), caption=_CAPTION)
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for row in _rows(reports):
        table.add_row(*row)
    return table


def scale_markdown(reports: Sequence[Report]) -> str:
    """Return the same as a table for a document, with what was run above it."""
    lines = (_COLUMNS, ["--:"] * len(_COLUMNS), *_rows(reports))
    table = "\n".join(f"| {' | '.join(one)} |" for one in lines)
    return f"{_title(reports[0])}; {_CAPTION}.\n\n{table}"


def _title(first: Report) -> str:
    return (
        f"{first.requests} requests, {first.systems} systems, {first.cohort_size:g} a cohort,"
        f" on {first.machine['cores']} cores"
    )


def _rows(reports: Sequence[Report]) -> list[list[str]]:
    first = reports[0]
    return [
        [
            str(one.workers),
            str(one.partitions or REQUESTS.partitions),
            f"{one.closed_per_s:g}",
            f"{one.closed_per_s / first.closed_per_s:.2f}",
            f"{one.cpu_ms_per_request['total']:g}",
            f"{one.resident_mb['services']:g}",
        ]
        for one in reports
    ]
