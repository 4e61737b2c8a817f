"""Requests that wait: what ten thousand open workflows with their timers cost, and a restart among them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import asyncpg
import uvloop
from rich.table import Table
from temporalio.client import Client as TemporalClient

from dsr_cli.bench import people as data
from dsr_cli.bench.ledger import closed_count, opened_count
from dsr_cli.bench.loop import SCHEMA, WORKFLOW
from dsr_cli.bench.people import People
from dsr_cli.bench.progress import Bars, Progress
from dsr_cli.bench.rig import Rig
from dsr_cli.bench.scripts import systems_spec
from dsr_cli.bench.waiting import wait_for_count
from dsr_cli.bench.workflows import Workflows
from dsr_cli.errors import CommandError
from dsr_cli.stack.specs import FANOUT

__all__ = ["WaitingReport", "measure_waiting", "waiting_table"]

_MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingReport:
    """What open requests cost while nobody answers, and what a restart of fanout does to them."""

    requests: int
    cached_workflows: int
    """How many workflows fanout may keep in memory; the others are read again when something happens."""

    opened_per_s: float
    resident_mb_empty: Mapping[str, float]
    """With nothing open."""

    resident_mb: Mapping[str, float]
    """With every request open and told to its systems."""

    resident_mb_restarted: float
    """Of fanout, started anew among the open requests."""

    ready_after_s: float
    """From the restarted fanout's start until it was ready."""

    stack_disk_mb: float
    """Temporal's database, with every workflow open."""

    closed_per_s: float
    """After the restart, when every system answers at once."""

    ended_per_s: float
    """Likewise, until each workflow, read again from its history, had ended."""

    machine: Mapping[str, str | int]

    @property
    def bytes_a_request(self) -> float:
        """What an open workflow takes of Temporal's disk."""
        return 1e6 * self.stack_disk_mb / self.requests

    def content(self) -> dict[str, Any]:
        """Return what is printed as JSON."""
        return asdict(self)


def measure_waiting(
    rig: Rig, *, requests: int, cached_workflows: int, machine: Mapping[str, str | int], bars: Bars
) -> WaitingReport:
    """Open so many requests with no system there, restart fanout, then let the systems answer.

    Raises:
        CommandError: A request was not opened, not closed, or its workflow did not end.
    """
    people = People.of(requests, warm_up=0)
    uvloop.run(_load(rig, people))
    specs = [
        replace(one, env={**one.env, "DSR_CACHED_WORKFLOWS": str(cached_workflows)})
        if one.name == FANOUT
        else one
        for one in rig.services()
    ]
    names = rig.start(specs)
    return uvloop.run(_Run(rig, names, bars).measure(people, cached_workflows, machine))


async def _load(rig: Rig, people: People) -> None:
    connection = await asyncpg.connect(rig.database)
    try:
        await data.load(connection, SCHEMA, rig.systems, people)
    finally:
        await connection.close()


class _Run:
    def __init__(self, rig: Rig, names: Sequence[str], bars: Bars) -> None:
        self._rig = rig
        self._names = names
        self._bars = bars

    async def measure(
        self, people: People, cached_workflows: int, machine: Mapping[str, str | int]
    ) -> WaitingReport:
        rig, requests = self._rig, len(people.asked)
        ledger = await asyncpg.connect(rig.stack.postgres_dsn())
        try:
            temporal = await TemporalClient.connect(rig.stack.temporal_address)
            ended = await Workflows.since_now(temporal, WORKFLOW)
            empty = rig.meter(self._names).resident_mb()
            opened_per_s = await self._open(ledger, people)
            resident = rig.meter(self._names).resident_mb()
            disk_mb = _size(rig) / 1e6
            ready_after_s = self._restart()
            restarted = rig.meter(self._names).resident_mb()[FANOUT]
            systems = rig.start([systems_spec(rig, schema=SCHEMA)])
            began = time.perf_counter()
            await self._reach("closed", requests, lambda: closed_count(ledger))
            closed_s = time.perf_counter() - began
            await self._reach("workflows ended", requests, ended.completed)
            ended_s = time.perf_counter() - began
            rig.stop([*self._names, *systems])
        finally:
            await ledger.close()
        return WaitingReport(
            requests=requests,
            cached_workflows=cached_workflows,
            opened_per_s=opened_per_s,
            resident_mb_empty=empty,
            resident_mb=resident,
            resident_mb_restarted=restarted,
            ready_after_s=ready_after_s,
            stack_disk_mb=round(disk_mb, 1),
            closed_per_s=round(requests / closed_s, 1),
            ended_per_s=round(requests / ended_s, 1),
            machine=machine,
        )

    async def _open(self, ledger: asyncpg.Connection, people: People) -> float:
        client, requests = self._rig.api_client(), len(people.asked)
        began = time.perf_counter()
        with self._bars.bar("submitted", requests) as progress:
            await client.submit(people.asked, concurrency=32, progress=progress)
        await self._reach("opened", requests, lambda: opened_count(ledger))
        return round(requests / (time.perf_counter() - began), 1)

    def _restart(self) -> float:
        self._rig.stop([FANOUT])
        began = time.perf_counter()
        self._rig.stack.up(self._rig.listen)
        return round(time.perf_counter() - began, 2)

    async def _reach(self, name: str, target: int, count: Callable[[], Any]) -> None:
        with self._bars.bar(name, target) as progress:
            found = await _counted(count, target, progress, lambda: self._rig.check(self._names))
        if found < target:
            raise CommandError(f"{name}: {found} of {target}, and no more come")


async def _counted(
    count: Callable[[], Any], target: int, progress: Progress, check: Callable[[], None]
) -> int:
    return await wait_for_count(count, target, interval=0.25, on_count=progress, check=check)


def _size(rig: Rig) -> int:
    folder = rig.stack.settings.folder("temporal")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def waiting_table(report: WaitingReport) -> Table:
    """Return the report for people, with what it means for a million."""
    table = Table("", "", title=f"{report.requests} open requests, each with its own workflow")
    many = f"{_MANY:,}"
    table.add_row("workflows kept in fanout's memory, at most", str(report.cached_workflows))
    table.add_row("opened a second", str(report.opened_per_s))
    for name, megabytes in report.resident_mb.items():
        table.add_row(
            f"resident MB, {name}: empty / all open",
            f"{report.resident_mb_empty[name]:g} / {megabytes:g}",
        )
    table.add_row("resident MB, fanout restarted among them", str(report.resident_mb_restarted))
    table.add_row("ready after a restart, s", str(report.ready_after_s))
    table.add_row("Temporal's disk, bytes an open workflow", f"{report.bytes_a_request:,.0f}")
    table.add_row(f"Temporal's disk at {many}, GB", f"{report.bytes_a_request * _MANY / 1e9:,.1f}")
    table.add_row(
        "closed / ended a second, when all answer after the restart",
        f"{report.closed_per_s} / {report.ended_per_s}",
    )
    table.add_row("machine", f"{report.machine['cores']} x {report.machine['cpu']}")
    return table
