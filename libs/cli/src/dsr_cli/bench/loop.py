"""One measured run of the real loop: by HTTP into intake, round, and closed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

import asyncpg
import uvloop
from temporalio.client import Client as TemporalClient

from dsr_cli.bench import people as data
from dsr_cli.bench.ledger import (
    Closed,
    closed_count,
    closed_requests,
    cohort_count,
    ready_packages,
    what_is_missing,
)
from dsr_cli.bench.people import People
from dsr_cli.bench.progress import Bars, Progress, ignore
from dsr_cli.bench.report import SERVICES, Percentiles, Report, percentiles
from dsr_cli.bench.rig import Rig
from dsr_cli.bench.scripts import systems_spec
from dsr_cli.bench.submitting import Client, Submitted
from dsr_cli.bench.waiting import wait_for_count
from dsr_cli.bench.workflows import Workflows
from dsr_cli.errors import CommandError
from dsr_core.rights import Right

__all__ = ["WARM_UP", "Plan", "latencies", "measure_loop", "until_closed"]

WARM_UP = 20
WORKFLOW = "CohortWorkflow"
SCHEMA = "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send."""

    requests: int
    batch: int | None = None
    """Lines of one batch call; none for the call that takes one request."""

    concurrency: int = 64
    rate: float | None = None
    """Requests a second; as many as intake takes when not given."""

    workers: int = 1
    """Processes of fanout, and of the verifier."""

    right: Right = Right.DELETION
    machine: dict[str, str | int]


def measure_loop(rig: Rig, plan: Plan, bars: Bars) -> Report:
    """Run the services and the systems, send what is planned, and return what was seen.

    The services and systems are stopped again.

    Raises:
        CommandError: A request was lost, refused, or not carried out.
    """
    people = People.of(plan.requests, warm_up=WARM_UP)
    uvloop.run(_load(rig, people))
    names = rig.start([*rig.services(workers=plan.workers), systems_spec(rig, schema=SCHEMA)])
    report = uvloop.run(_measure(rig, plan, people, names, bars))
    rig.stop(names)
    return report


async def _load(rig: Rig, people: People) -> None:
    connection = await asyncpg.connect(rig.database)
    try:
        await data.load(connection, SCHEMA, rig.systems, people)
    finally:
        await connection.close()


async def _measure(
    rig: Rig, plan: Plan, people: People, names: Sequence[str], bars: Bars
) -> Report:
    ledger = await asyncpg.connect(rig.stack.postgres_dsn())
    store = await asyncpg.connect(rig.database)
    try:
        workflows = await Workflows.since_now(
            await TemporalClient.connect(rig.stack.temporal_address), WORKFLOW
        )
        until = _Until(ledger, workflows, lambda: rig.check(names))
        client = rig.api_client(f"benchmark-{plan.right}")
        before = await closed_count(ledger)
        with bars.bar("warming up", len(people.warm_up)) as progress:
            warm = await client.submit(
                people.warm_up, concurrency=4, right=plan.right, progress=progress
            )
            await until.closed(list(warm.posted_at), before)
            await until.ended(len(people.warm_up))
            if plan.right is Right.ACCESS:
                await until.packaged(len(people.warm_up), 0, ignore)

        meter = rig.meter(names)
        began = time.perf_counter()
        with bars.bar("submitted", plan.requests) as progress:
            submitted = await _submit(client, plan, people, progress)
        ids = list(submitted.posted_at)
        with bars.bar("closed", plan.requests) as progress:
            await until.closed(ids, before + WARM_UP, progress)
        closed_s = time.perf_counter() - began
        packaged_s = None
        if plan.right is Right.ACCESS:
            with bars.bar("packages ready", plan.requests) as progress:
                await until.packaged(plan.requests, WARM_UP, progress)
            packaged_s = time.perf_counter() - began
        cohorts = await cohort_count(ledger, ids)
        with bars.bar("workflows ended", cohorts) as progress:
            await until.ended(cohorts, WARM_UP, progress)
        ended_s = time.perf_counter() - began

        cpu = meter.cpu_ms(plan.requests)
        resident = meter.resident_mb()
        resident["services"] = round(
            sum(mb for name, mb in resident.items() if name.startswith(SERVICES)), 1
        )
        histories = await workflows.histories(cohorts)
        closed = await closed_requests(ledger, ids)
        if len(closed) != plan.requests:
            raise CommandError(f"{plan.requests - len(closed)} requests are not in the ledger")
        rows_left = 0
        if plan.right is Right.DELETION:
            rows_left = await data.check_erased(store, SCHEMA, rig.systems, people)
        if rows_left:
            raise CommandError(f"{rows_left} rows are left of people whose requests are closed")
        return Report(
            systems=rig.systems,
            workers=plan.workers,
            requests=plan.requests,
            cohort_size=round(plan.requests / cohorts, 1),
            closed=len(closed),
            submitted_per_s=round(plan.requests / submitted.seconds, 1),
            closed_per_s=round(plan.requests / closed_s, 1),
            ended_per_s=round(plan.requests / ended_s, 1),
            latency_ms=latencies(submitted, closed),
            cpu_ms_per_request=cpu,
            resident_mb=resident,
            history_events={"median": histories.median, "most": histories.most},
            rows_left=rows_left,
            machine=plan.machine,
            packaged_per_s=round(plan.requests / packaged_s, 1) if packaged_s else None,
        )
    finally:
        await ledger.close()
        await store.close()


async def _submit(client: Client, plan: Plan, people: People, progress: Progress) -> Submitted:
    if plan.batch is not None:
        return await client.submit_batches(
            people.asked, size=plan.batch, rate=plan.rate, right=plan.right, progress=progress
        )
    return await client.submit(
        people.asked,
        concurrency=plan.concurrency,
        rate=plan.rate,
        right=plan.right,
        progress=progress,
    )


async def until_closed(
    ledger: asyncpg.Connection,
    request_ids: Collection[str],
    before: int,
    *,
    check: Callable[[], None],
    progress: Progress = ignore,
) -> None:
    """Return once these are closed; so many were before.

    Raises:
        CommandError: One was not, and no more are; says which systems are missing.
    """
    target = len(request_ids)

    async def count() -> int:
        return await closed_count(ledger) - before

    # A count reads every row, so that of many is asked for less often.
    interval = 0.05 if target <= 5000 else 0.1
    found = await wait_for_count(count, target, interval=interval, on_count=progress, check=check)
    if found < target:
        missing = await what_is_missing(ledger, request_ids)
        raise CommandError(f"{target - found} of {target} requests were never closed: {missing}")


@dataclass(frozen=True, slots=True)
class _Until:
    """Waits for what was sent to come out."""

    ledger: asyncpg.Connection
    workflows: Workflows
    check: Callable[[], None]

    async def closed(
        self, request_ids: Collection[str], before: int = 0, progress: Progress = ignore
    ) -> None:
        """Return once these are closed; so many were before."""
        await until_closed(self.ledger, request_ids, before, check=self.check, progress=progress)

    async def packaged(self, target: int, before: int, progress: Progress) -> None:
        """Return once so many more packages than before are ready to be fetched."""

        async def count() -> int:
            return await ready_packages(self.ledger) - before

        found = await self._reach(count, target, 0.05, progress)
        if found < target:
            raise CommandError(f"{target - found} of {target} packages were never made")

    async def ended(self, target: int, before: int = 0, progress: Progress = ignore) -> None:
        """Return once so many more workflows than before have completed."""

        async def count() -> int:
            return await self.workflows.completed() - before

        found = await self._reach(count, target, 0.1, progress)
        if found < target:
            raise CommandError(f"{target - found} of {target} workflows never ended")

    async def _reach(
        self,
        count: Callable[[], Awaitable[int]],
        target: int,
        interval: float,
        progress: Progress,
    ) -> int:
        return await wait_for_count(
            count, target, interval=interval, on_count=progress, check=self.check
        )


def latencies(submitted: Submitted, closed: Sequence[Closed]) -> dict[str, Percentiles]:
    """Return how long calls took, and how long it was from each call's start to the closure."""
    since_post = [one.closed_at - submitted.posted_at[one.request_id] for one in closed]
    since_last_answer = [one.closed_at - one.answered_at for one in closed]
    return {
        "call": percentiles(submitted.answered_ms),
        "post_to_closed": percentiles([1000 * seconds for seconds in since_post]),
        "last_acknowledgement_to_closed": percentiles(
            [1000 * seconds for seconds in since_last_answer]
        ),
    }
