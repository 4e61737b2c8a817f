"""One measured run of the real loop: by HTTP into intake, round, and closed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
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
from dsr_cli.bench.submitting import Submitted
from dsr_cli.bench.waiting import wait_for_count
from dsr_cli.bench.workflows import Workflows
from dsr_cli.errors import CommandError
from dsr_core.rights import Right

__all__ = [
    "WARM_UP",
    "Loop",
    "Plan",
    "Round",
    "latencies",
    "loop_at_work",
    "measure_loop",
    "start_loop",
    "until_closed",
]

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

    partitions: int | None = None
    """Of the topics that they share; as the topics' table says when not given."""

    right: Right = Right.DELETION
    machine: dict[str, str | int]


def measure_loop(rig: Rig, plan: Plan, bars: Bars) -> Report:
    """Run the services and the systems, send what is planned, and return what was seen.

    The services and systems are stopped again.

    Raises:
        CommandError: A request was lost, refused, or not carried out.
    """
    people = People.of(plan.requests, warm_up=WARM_UP)
    names = start_loop(rig, plan, people)

    async def measure() -> Report:
        async with loop_at_work(rig, plan, names) as loop:
            await loop.warm_up(people.warm_up, bars)
            await loop.go_round(people.asked, bars)
            return await loop.report(people)

    report = uvloop.run(measure())
    rig.stop(names)
    return report


def start_loop(rig: Rig, plan: Plan, people: People) -> list[str]:
    """Fill the systems with these people, start everything, and return the processes' names."""
    uvloop.run(_load(rig, people))
    return rig.start([*rig.services(workers=plan.workers), systems_spec(rig, schema=SCHEMA)])


async def _load(rig: Rig, people: People) -> None:
    connection = await asyncpg.connect(rig.database)
    try:
        await data.load(connection, SCHEMA, rig.systems, people)
    finally:
        await connection.close()


@asynccontextmanager
async def loop_at_work(rig: Rig, plan: Plan, names: Sequence[str]) -> AsyncIterator[Loop]:
    """Yield the loop whose processes have been started."""
    ledger = await asyncpg.connect(rig.stack.postgres_dsn())
    store = await asyncpg.connect(rig.database)
    try:
        workflows = await Workflows.since_now(
            await TemporalClient.connect(rig.stack.temporal_address), WORKFLOW
        )
        until = _Until(ledger, workflows, lambda: rig.check(names))
        yield Loop(rig, plan, names, until, store)
    finally:
        await ledger.close()
        await store.close()


@dataclass(frozen=True, slots=True)
class Round:
    """What went round at one go; durations are from the first call's start, in seconds."""

    requests: int
    cohorts: int
    submitted: Submitted
    closed_s: float
    """Until the ledger had closed them all."""

    ended_s: float
    """Until their workflows had ended too."""

    packaged_s: float = 0.0
    """Until the package of each was ready, where access was asked for."""


class Loop:
    """The loop at work: goes round as often as it is told to, and adds up what it saw."""

    def __init__(
        self,
        rig: Rig,
        plan: Plan,
        names: Sequence[str],
        until: _Until,
        store: asyncpg.Connection,
    ) -> None:
        self._rig = rig
        self._plan = plan
        self._until = until
        self._store = store
        self._client = rig.api_client(f"benchmark-{plan.right}")
        self._meter = rig.meter(names)
        self._rounds: list[Round] = []
        self.pids = list(rig.pids(names).values())
        """Its processes, apart from Kafka, Temporal and PostgreSQL."""

    @property
    def cohort(self) -> int:
        """How many requests a workflow had until now."""
        cohorts = sum(one.cohorts for one in self._rounds)
        return max(1, round(sum(one.requests for one in self._rounds) / max(1, cohorts)))

    async def warm_up(self, people: Sequence[str], bars: Bars) -> None:
        """Send these round, without counting them."""
        with bars.bar("warming up", len(people)) as progress:
            since = await self._until.now()
            sent = await self._client.submit(
                people, concurrency=4, right=self._plan.right, progress=progress
            )
            await self._until.closed(list(sent.posted_at), since)
            if self._plan.right is Right.ACCESS:
                await self._until.packaged(len(people), since)
            await self._until.ended(len(people), since)

    async def go_round(self, people: Sequence[str], bars: Bars) -> Round:
        """Send these round, and return once their workflows have ended.

        Raises:
            CommandError: A request was lost or refused.
        """
        count = len(people)
        since = await self._until.now()
        packaged_s = 0.0
        with self._meter.counting():
            began = time.perf_counter()
            with bars.bar("submitted", count) as progress:
                submitted = await self._submit(people, progress)
            ids = list(submitted.posted_at)
            with bars.bar("closed", count) as progress:
                await self._until.closed(ids, since, progress)
            closed_s = time.perf_counter() - began
            if self._plan.right is Right.ACCESS:
                with bars.bar("packages ready", count) as progress:
                    await self._until.packaged(count, since, progress)
                packaged_s = time.perf_counter() - began
            cohorts = await cohort_count(self._until.ledger, ids)
            with bars.bar("workflows ended", cohorts) as progress:
                await self._until.ended(cohorts, since, progress)
            ended_s = time.perf_counter() - began
        done = Round(count, cohorts, submitted, closed_s, ended_s, packaged_s)
        self._rounds.append(done)
        return done

    async def report(self, people: People) -> Report:
        """Return what all rounds showed together.

        Raises:
            CommandError: Something of these people is left, or a closure is not in the ledger.
        """
        plan, rounds, rig = self._plan, self._rounds, self._rig
        requests = sum(one.requests for one in rounds)
        cohorts = sum(one.cohorts for one in rounds)
        submitted = Submitted(
            posted_at={id_: at for one in rounds for id_, at in one.submitted.posted_at.items()},
            answered_ms=[ms for one in rounds for ms in one.submitted.answered_ms],
            seconds=sum(one.submitted.seconds for one in rounds),
        )
        resident = self._meter.resident_mb()
        resident["services"] = round(
            sum(mb for name, mb in resident.items() if name.startswith(SERVICES)), 1
        )
        histories = await self._until.workflows.histories(cohorts)
        closed = await closed_requests(self._until.ledger, list(submitted.posted_at))
        if len(closed) != requests:
            raise CommandError(f"{requests - len(closed)} requests are not in the ledger")
        rows_left = 0
        if plan.right is Right.DELETION:
            rows_left = await data.check_erased(self._store, SCHEMA, rig.systems, people)
        if rows_left:
            raise CommandError(f"{rows_left} rows are left of people whose requests are closed")

        def rate(seconds: float) -> float:
            return round(requests / seconds, 1)

        return Report(
            systems=rig.systems,
            workers=plan.workers,
            partitions=plan.partitions,
            requests=requests,
            cohort_size=round(requests / cohorts, 1),
            closed=len(closed),
            submitted_per_s=rate(submitted.seconds),
            closed_per_s=rate(sum(one.closed_s for one in rounds)),
            ended_per_s=rate(sum(one.ended_s for one in rounds)),
            latency_ms=latencies(submitted, closed),
            cpu_ms_per_request=self._meter.cpu_ms(requests),
            resident_mb=resident,
            history_events={"median": histories.median, "most": histories.most},
            rows_left=rows_left,
            machine=plan.machine,
            packaged_per_s=(
                rate(sum(one.packaged_s for one in rounds)) if plan.right is Right.ACCESS else None
            ),
        )

    async def _submit(self, people: Sequence[str], progress: Progress) -> Submitted:
        plan = self._plan
        if plan.batch is not None:
            return await self._client.submit_batches(
                people, size=plan.batch, rate=plan.rate, right=plan.right, progress=progress
            )
        return await self._client.submit(
            people,
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
class _Counts:
    """What had come out already."""

    closed: int
    packaged: int
    ended: int


@dataclass(frozen=True, slots=True)
class _Until:
    """Waits for what was sent to come out."""

    ledger: asyncpg.Connection
    workflows: Workflows
    check: Callable[[], None]

    async def now(self) -> _Counts:
        """Return what has come out until now."""
        return _Counts(
            await closed_count(self.ledger),
            await ready_packages(self.ledger),
            await self.workflows.completed(),
        )

    async def closed(
        self, request_ids: Collection[str], since: _Counts, progress: Progress = ignore
    ) -> None:
        """Return once these are closed."""
        await until_closed(
            self.ledger, request_ids, since.closed, check=self.check, progress=progress
        )

    async def packaged(self, target: int, since: _Counts, progress: Progress = ignore) -> None:
        """Return once so many more packages are ready to be fetched."""

        async def count() -> int:
            return await ready_packages(self.ledger) - since.packaged

        found = await self._reach(count, target, 0.05, progress)
        if found < target:
            raise CommandError(f"{target - found} of {target} packages were never made")

    async def ended(self, target: int, since: _Counts, progress: Progress = ignore) -> None:
        """Return once so many more workflows have completed."""

        async def count() -> int:
            return await self.workflows.completed() - since.ended

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
