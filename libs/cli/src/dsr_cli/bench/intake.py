"""Intake alone: how many requests it accepts a second, one by one and as a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import uvloop
from rich.table import Table

from dsr_cli.bench.people import People
from dsr_cli.bench.progress import Bars
from dsr_cli.bench.report import Percentiles, percentiles
from dsr_cli.bench.rig import Rig
from dsr_cli.stack.specs import INTAKE

__all__ = ["IntakeReport", "intake_table", "measure_intake"]

_WARM_UP = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeReport:
    """What intake showed without the rest of the loop."""

    requests: int
    concurrency: int
    calls_per_s: float
    """Calls that take one request."""

    call_ms: Percentiles
    call_cpu_ms: Mapping[str, float]
    batch_lines_per_s: float
    """Lines of the batch call, over one connection."""

    batch_cpu_ms: Mapping[str, float]
    resident_mb: Mapping[str, float]
    machine: Mapping[str, str | int]

    def content(self) -> dict[str, Any]:
        """Return what is printed as JSON."""
        return asdict(self)


def measure_intake(
    rig: Rig,
    *,
    requests: int,
    concurrency: int,
    batch: int,
    machine: Mapping[str, str | int],
    bars: Bars,
) -> IntakeReport:
    """Run intake without fanout and verifier, and send it so many requests each way.

    Raises:
        CommandError: A request was not accepted.
    """
    names = rig.start(one for one in rig.services() if one.name == INTAKE)
    client = rig.api_client()

    async def measure() -> IntakeReport:
        people = People.of(requests, warm_up=_WARM_UP)
        with bars.bar("warming up", _WARM_UP) as progress:
            await client.submit(people.warm_up, concurrency=concurrency, progress=progress)
        single, batched = rig.meter(names), rig.meter(names)
        with bars.bar("single calls", requests) as progress, single.counting():
            singles = await client.submit(people.asked, concurrency=concurrency, progress=progress)
        with bars.bar("lines of the batch", requests) as progress, batched.counting():
            lines = await client.submit_batches(
                People.of(requests, warm_up=0).asked, size=batch, progress=progress
            )
        return IntakeReport(
            requests=requests,
            concurrency=concurrency,
            calls_per_s=round(requests / singles.seconds, 1),
            call_ms=percentiles(singles.answered_ms),
            call_cpu_ms=single.cpu_ms(requests),
            batch_lines_per_s=round(requests / lines.seconds, 1),
            batch_cpu_ms=batched.cpu_ms(requests),
            resident_mb=batched.resident_mb(),
            machine=machine,
        )

    return uvloop.run(measure())


def intake_table(report: IntakeReport) -> Table:
    """Return the report for people."""
    table = Table(
        "", "single calls", "batch", title=f"{report.requests} requests into intake alone"
    )
    table.add_row("a second", str(report.calls_per_s), str(report.batch_lines_per_s))
    call = report.call_ms
    table.add_row("call, ms p50 / p95 / p99", f"{call.p50:g} / {call.p95:g} / {call.p99:g}", "")
    for name, ms in report.call_cpu_ms.items():
        table.add_row(f"CPU ms a request, {name}", str(ms), str(report.batch_cpu_ms[name]))
    table.add_row("machine", f"{report.machine['cores']} x {report.machine['cpu']}", "")
    return table
