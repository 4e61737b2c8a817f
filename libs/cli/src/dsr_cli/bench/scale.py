"""Scaling: how the loop's throughput grows with the processes of its services."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from dsr_cli.bench.report import Report

__all__ = ["scale_table"]


def scale_table(reports: Sequence[Report]) -> Table:
    """Return runs with more and more processes, each beside the first."""
    first = reports[0]
    table = Table(
        title=f"{first.requests} requests, {first.systems} systems, {first.cohort_size:g} a cohort,"
        f" on {first.machine['cores']} cores",
        caption="fanout and the verifier in so many processes each; intake, Kafka, Temporal and"
        " PostgreSQL in one",
    )
    table.add_column("processes each", justify="right")
    for name in ("closed a second", "of the first", "CPU ms a request", "services MB"):
        table.add_column(name, justify="right")
    for one in reports:
        table.add_row(
            str(one.workers),
            f"{one.closed_per_s:g}",
            f"{one.closed_per_s / first.closed_per_s:.2f}",
            f"{one.cpu_ms_per_request['total']:g}",
            f"{one.resident_mb['services']:g}",
        )
    return table
