"""`dsr bench`: measure the loop on this machine, on a stack of its own."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from dsr_cli.bench.curves import curves
from dsr_cli.bench.intake import intake_table
from dsr_cli.bench.overload import POD_MEMORY, overload_table
from dsr_cli.bench.packages import MEMORY_LIMIT, package_table
from dsr_cli.bench.report import Report, report_table
from dsr_cli.bench.run import run_intake, run_loop, run_overload, run_package, run_waiting
from dsr_cli.bench.scale import scale_markdown, scale_table
from dsr_cli.bench.waiting_workflows import waiting_table
from dsr_cli.view.console import new_console
from dsr_core.rights import Right

__all__ = ["app"]

_LINES_LIMIT = 100_000
"""What intake takes in one call."""

app = typer.Typer(
    no_args_is_help=True,
    help="Measure the loop, on a stack of its own that is gone afterwards.",
)

Systems = Annotated[int, typer.Option(min=1, max=500, help="Systems, of five tables each")]
Requests = Annotated[int, typer.Option(min=1, help="Subject requests, apart from warming up")]
Concurrency = Annotated[int, typer.Option(min=1, max=1000, help="Calls under way at once")]
WithLean = Annotated[bool, typer.Option("--lean", help="Run the lean loop too, to compare with")]
Keep = Annotated[bool, typer.Option("--keep", help="Leave the stack's data and logs")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output")]


@app.command()
def loop(
    systems: Systems = 5,
    requests: Requests = 500,
    cohort: Annotated[
        int, typer.Option(min=1, help="Requests a cohort; above 1, sent by batch calls of so many")
    ] = 1,
    concurrency: Concurrency = 64,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, help="Calls a second; as many as are taken if not given"),
    ] = None,
    *,
    right: Annotated[
        Right,
        typer.Option(help="access: measured after as many deletions, with the ratio of the two"),
    ] = Right.DELETION,
    lean: WithLean = False,
    keep: Keep = False,
    as_json: Json = False,
) -> None:
    """Send requests round the whole loop, and measure until every one is closed."""
    report = run_loop(
        systems=systems,
        requests=requests,
        batch=cohort if cohort > 1 else None,
        concurrency=concurrency,
        rate=rate,
        with_lean=lean,
        keep=keep,
        right=right,
    )
    _show_report(report, as_json=as_json)


@app.command()
def bulk(
    systems: Systems = 5,
    requests: Requests = 20_000,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Lines a call; if not given one call for all, two a second at a rate"
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=1, help="Lines a second; as many as are taken if not given"),
    ] = None,
    *,
    lean: WithLean = False,
    keep: Keep = False,
    as_json: Json = False,
) -> None:
    """Send requests by the batch call, and measure from its start until every one is closed."""
    lines = requests if rate is None else math.ceil(rate / 2)
    report = run_loop(
        systems=systems,
        requests=requests,
        batch=batch or min(lines, _LINES_LIMIT),
        concurrency=1,
        rate=rate,
        with_lean=lean,
        keep=keep,
    )
    _show_report(report, as_json=as_json)


@app.command()
def scale(
    systems: Systems = 5,
    requests: Requests = 500,
    cohort: Annotated[
        int, typer.Option(min=1, help="Requests a cohort; above 1, sent by batch calls of so many")
    ] = 1,
    workers: Annotated[
        list[int] | None,
        typer.Option(min=1, max=8, help="Processes of fanout and of the verifier; may be repeated"),
    ] = None,
    *,
    partitions: Annotated[
        bool,
        typer.Option(
            "--partitions", help="As many partitions as processes, and not as many as is usual"
        ),
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for a document")] = False,
    as_json: Json = False,
) -> None:
    """Measure the loop with 1, 2 and 4 processes of fanout and of the verifier, each from nothing."""
    reports = [
        run_loop(
            systems=systems,
            requests=requests,
            batch=cohort if cohort > 1 else None,
            concurrency=64,
            rate=None,
            with_lean=False,
            keep=False,
            workers=count,
            partitions=count if partitions else None,
        )
        for count in workers or (1, 2, 4)
    ]
    if markdown:
        typer.echo(scale_markdown(reports))
        return
    content = {"runs": [one.content() for one in reports]}
    _show(content, scale_table(reports), as_json=as_json)


@app.command()
def intake(
    requests: Requests = 5_000,
    concurrency: Concurrency = 64,
    batch: Annotated[int, typer.Option(min=1, help="Lines of a batch call")] = 5_000,
    *,
    keep: Keep = False,
    as_json: Json = False,
) -> None:
    """Measure intake alone: single calls, and lines of the batch call."""
    report = run_intake(requests=requests, concurrency=concurrency, batch=batch, keep=keep)
    _show(report.content(), intake_table(report), as_json=as_json)


@app.command()
def waiting(
    systems: Systems = 5,
    requests: Requests = 10_000,
    cached: Annotated[
        int, typer.Option(min=0, help="Workflows that fanout keeps in memory, at most")
    ] = 250,
    *,
    keep: Keep = False,
    as_json: Json = False,
) -> None:
    """Measure open requests with their timers: memory, disk, and a restart of fanout among them."""
    report = run_waiting(systems=systems, requests=requests, cached_workflows=cached, keep=keep)
    _show(report.content(), waiting_table(report), as_json=as_json)


@app.command()
def overload(
    systems: Systems = 5,
    times: Annotated[
        float, typer.Option(min=1, help="How many times what the loop can sustain")
    ] = 10,
    seconds: Annotated[
        float, typer.Option(min=1, help="So long; all that is accepted is then waited for")
    ] = 300,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Draw the memory of each service into this file")
    ] = None,
    *,
    keep: Keep = False,
    as_json: Json = False,
) -> None:
    """Offer more than the loop can sustain for a while, and measure until it has recovered by itself."""
    report, memory = run_overload(systems=systems, times=times, seconds=seconds, keep=keep)
    if svg is not None:
        title = f"{times:g} times what is sustained, for {seconds:g} s"
        svg.write_text(curves(memory, title=title, limit=POD_MEMORY), encoding="utf-8")
    _show(report.content(), overload_table(report), as_json=as_json)


@app.command()
def package(
    systems: Systems = 20,
    megabytes: Annotated[int, typer.Option(min=1, help="Of all systems together")] = 5000,
    rows: Annotated[int, typer.Option(min=0, help="Of each system, beside its file")] = 100_000,
    first_rows: Annotated[
        int | None,
        typer.Option(min=0, help="Of the first system; as many as the others unless given"),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Draw the memory of each process into this file")
    ] = None,
    *,
    keep: Keep = False,
    as_json: Json = False,
) -> None:
    """Measure one large package for access: handed over, assembled, downloaded, and in what memory."""
    report, memory = run_package(
        systems=systems,
        size=megabytes * 10**6,
        rows=rows,
        first_rows=rows if first_rows is None else first_rows,
        keep=keep,
    )
    if svg is not None:
        title = f"A package of {report.bytes / 1e9:.1f} GB from {systems} systems"
        svg.write_text(curves(memory, title=title, limit=MEMORY_LIMIT), encoding="utf-8")
    _show(report.content(), package_table(report), as_json=as_json)


def _show_report(report: Report, *, as_json: bool) -> None:
    _show(report.content(), report_table(report), as_json=as_json)


def _show(content: dict[str, Any], table: Table, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(content))
    else:
        new_console().print(table)
