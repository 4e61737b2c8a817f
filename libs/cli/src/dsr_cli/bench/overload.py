"""Overload: several times what the loop can sustain comes in for a while, and then no more."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import asyncpg
import uvloop
from rich.table import Table

from dsr_cli.bench import people as data
from dsr_cli.bench.ledger import closed_requests
from dsr_cli.bench.loop import SCHEMA, latencies, until_closed
from dsr_cli.bench.memory import Memory, watched
from dsr_cli.bench.people import People
from dsr_cli.bench.progress import Bars
from dsr_cli.bench.report import SERVICES, Percentiles, percentiles
from dsr_cli.bench.rig import Rig
from dsr_cli.bench.scripts import systems_spec
from dsr_cli.bench.submitting import Client, Submitted
from dsr_cli.errors import CommandError

__all__ = ["POD_MEMORY", "OverloadReport", "measure_overload", "overload_table"]

POD_MEMORY = 512 * 1024 * 1024
"""What the chart lets a pod of intake or the verifier hold; every service keeps under it."""

_SUSTAINED = 300
"""Requests that show what the loop can sustain."""

_PACED = 60
"""Requests before and after, at half of that."""

_AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadReport:
    """What too many requests did, and whether anything was left of it afterwards."""

    systems: int
    sustained_per_s: float
    """Closed a second, when as many come as are taken."""

    times: float
    seconds: float
    offered_per_s: float
    accepted: int
    told_to_come_again: int
    """Calls that were answered with 503 and a time to come again."""

    call_ms: Percentiles
    """Of calls during the overload, whatever their answer."""

    recovered_after_s: float
    """From the end of the overload until everything that was accepted was closed."""

    closed_per_s: float
    """From the beginning of the overload until then."""

    post_to_closed_ms: Mapping[str, Percentiles]
    """Of requests at half of what is sustained, `before` and `after`."""

    memory_mb: Mapping[str, float]
    """The most that each process held."""

    machine: Mapping[str, str | int]

    def content(self) -> dict[str, Any]:
        """Return what is printed as JSON."""
        return asdict(self)


def measure_overload(
    rig: Rig, *, times: float, seconds: float, machine: Mapping[str, str | int], bars: Bars
) -> tuple[OverloadReport, Memory]:
    """Find what is sustained, offer a multiple of it for a while, and wait until all is closed.

    Raises:
        CommandError: A request that was accepted was not closed or not carried out, or a service held
            more than `POD_MEMORY`.
    """
    names = rig.start(rig.services())
    client = rig.api_client()
    with watched() as memory:
        for name in names:
            memory.add(name, rig.stack.pid(name) or 0)
        run = _Run(rig, client, names, memory, bars)
        report = uvloop.run(run.measure(times, seconds, machine))
    rig.stop([*names, *run.systems])
    for name, most in memory.most().items():
        if most > POD_MEMORY:
            raise CommandError(f"{name} has held {most / 1e6:.0f} MB")
    return report, memory


class _Run:
    def __init__(
        self, rig: Rig, client: Client, names: Sequence[str], memory: Memory, bars: Bars
    ) -> None:
        self._rig = rig
        self._client = client
        self._names = names
        self._memory = memory
        self._bars = bars
        self._closed_before = 0
        self.systems: list[str] = []

    async def measure(
        self, times: float, seconds: float, machine: Mapping[str, str | int]
    ) -> OverloadReport:
        rig = self._rig
        ledger, store = await asyncpg.connect(rig.stack.postgres_dsn()), None
        try:
            store = await asyncpg.connect(rig.database)
            # Who is asked for in the overload is known to no system: what a system does for each is
            # its own affair, and none of what is measured here.
            people = People.of(_SUSTAINED + 2 * _PACED, warm_up=20)
            await data.load(store, SCHEMA, rig.systems, people)
            self.systems = rig.start([systems_spec(rig, schema=SCHEMA)])[-1:]
            known = iter(people.asked)
            await self._closed(
                ledger, await self._client.submit(people.warm_up, concurrency=4), "warming up"
            )
            began = time.perf_counter()
            sustained = await self._submitted(known, _SUSTAINED)
            await self._closed(ledger, sustained, "what is sustained")
            rate = _SUSTAINED / (time.perf_counter() - began)
            before = await self._paced(ledger, known, rate / 2)
            self._memory.mark("overload")
            began = time.perf_counter()
            offered = await self._offered(round(times * rate * seconds), times * rate)
            self._memory.mark("it ends")
            ended = time.perf_counter()
            await self._closed(ledger, offered, "closed of what was accepted")
            recovered = time.perf_counter()
            self._memory.mark("recovered")
            after = await self._paced(ledger, known, rate / 2)
            rows_left = await data.check_erased(store, SCHEMA, rig.systems, people)
        finally:
            await ledger.close()
            if store is not None:
                await store.close()
        if rows_left:
            raise CommandError(f"{rows_left} rows are left of people whose requests are closed")
        accepted = len(offered.posted_at)
        return OverloadReport(
            systems=rig.systems,
            sustained_per_s=round(rate, 1),
            times=times,
            seconds=round(ended - began, 1),
            offered_per_s=round((accepted + offered.told_to_come_again) / (ended - began), 1),
            accepted=accepted,
            told_to_come_again=offered.told_to_come_again,
            call_ms=percentiles(offered.answered_ms),
            recovered_after_s=round(recovered - ended, 1),
            closed_per_s=round(accepted / (recovered - began), 1),
            post_to_closed_ms={"before": before, "after": after},
            memory_mb={name: round(most / 1e6, 1) for name, most in self._memory.most().items()},
            machine=machine,
        )

    async def _submitted(self, known: Iterator[str], count: int) -> Submitted:
        people = list(itertools.islice(known, count))
        return await self._client.submit(people, concurrency=64)

    async def _offered(self, count: int, rate: float) -> Submitted:
        people = People.of(count, warm_up=0)
        with self._bars.bar("accepted in the overload", count) as progress:
            return await self._client.submit(
                people.asked, concurrency=_AT_ONCE, rate=rate, may_refuse=True, progress=progress
            )

    async def _paced(
        self, ledger: asyncpg.Connection, known: Iterator[str], rate: float
    ) -> Percentiles:
        people = list(itertools.islice(known, _PACED))
        submitted = await self._client.submit(people, concurrency=64, rate=rate)
        await self._closed(ledger, submitted, "at half of what is sustained")
        closed = await closed_requests(ledger, list(submitted.posted_at))
        return latencies(submitted, closed)["post_to_closed"]

    async def _closed(self, ledger: asyncpg.Connection, submitted: Submitted, name: str) -> None:
        """Return once all of these are closed, which is everything that was accepted until now."""
        asked = list(submitted.posted_at)
        with self._bars.bar(name, len(asked)) as progress:
            await until_closed(
                ledger,
                asked,
                self._closed_before,
                check=lambda: self._rig.check(self._names),
                progress=progress,
            )
        self._closed_before += len(asked)


def overload_table(report: OverloadReport) -> Table:
    """Return the report for people."""
    title = f"{report.times:g} times what is sustained, for {report.seconds:g} s, {report.systems} systems"
    table = Table("", "", title=title)
    call, after = report.call_ms, report.post_to_closed_ms
    table.add_row("sustained, closed a second", f"{report.sustained_per_s:g}")
    table.add_row("offered a second", f"{report.offered_per_s:g}")
    table.add_row("accepted", f"{report.accepted:,}")
    table.add_row("told to come again", f"{report.told_to_come_again:,}")
    table.add_row("call, ms p50 / p95 / p99", f"{call.p50:g} / {call.p95:g} / {call.p99:g}")
    table.add_row("all closed so long after its end, s", f"{report.recovered_after_s:g}")
    table.add_row("closed a second meanwhile", f"{report.closed_per_s:g}")
    for name in ("before", "after"):
        seen = after[name]
        table.add_row(
            f"POST to closed {name}, ms p50 / p95 / p99",
            f"{seen.p50:g} / {seen.p95:g} / {seen.p99:g}",
        )
    for name in SERVICES:
        table.add_row(f"most MB, {name}", f"{report.memory_mb[name]:g}")
    table.add_row("machine", f"{report.machine['cores']} x {report.machine['cpu']}")
    return table
