"""What `dsr bench scale` says of its runs, as a document takes it."""

from __future__ import annotations

from dsr_cli.bench.report import Report
from dsr_cli.bench.scale import scale_markdown

ABOVE = (
    "500 requests, 5 systems, 1 a cohort, on 2 cores; fanout and the verifier in so many"
    " processes each; intake, Kafka, Temporal and PostgreSQL in one."
)


def a_run(workers: int, closed_per_s: float, *, partitions: int | None = None) -> Report:
    return Report(
        systems=5, workers=workers, partitions=partitions, requests=500, cohort_size=1.0, closed=500,
        submitted_per_s=90.0,
        closed_per_s=closed_per_s, ended_per_s=30.0, latency_ms={},
        cpu_ms_per_request={"total": 48.5}, resident_mb={"services": 610.0}, history_events={},
        rows_left=0, machine={"cores": 2},
    )  # fmt: skip


def test_each_number_of_processes_is_a_row_beside_the_first() -> None:
    assert scale_markdown([a_run(1, 40.0), a_run(2, 50.0, partitions=2)]).splitlines() == [
        ABOVE,
        "",
        "| processes each | partitions | closed a second | of the first | CPU ms a request | services MB |",
        "| --: | --: | --: | --: | --: | --: |",
        "| 1 | 6 | 40 | 1.00 | 48.5 | 610 |",
        "| 2 | 2 | 50 | 1.25 | 48.5 | 610 |",
    ]
