"""A worker with fanout's real workflow, activities and application, on fakes of its ports."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.testing import WorkflowEnvironment
from unit.fanout.fanout_fakes import (
    FakeIntake,
    FakeLedger,
    FakePublisher,
    FakeRegistries,
    an_order,
)

from dsr_core.cohorts import workflow_id
from dsr_core.registry import Registry
from dsr_fanout.activities.cohort import CohortActivities
from dsr_fanout.adapters.temporal import TemporalWorkflows
from dsr_fanout.application.amending import Amending
from dsr_fanout.application.escalating import Escalating
from dsr_fanout.application.notifying import Notifying
from dsr_fanout.application.opening import Opening
from dsr_fanout.application.reading import Reading
from dsr_fanout.application.replanning import Replanning
from dsr_fanout.metrics import Metrics
from dsr_fanout.orders import DECIDED_SIGNAL, Decided, Ended, Order
from dsr_fanout.worker import new_worker
from dsr_fanout.workflows.cohort import CohortWorkflow
from support.builders import a_registry, an_id

_NUMBERS = iter(range(10_000, 1_000_000))


@dataclass
class World:
    """One worker's surroundings."""

    environment: WorkflowEnvironment
    registry: Registry = field(default_factory=a_registry)
    task_queue: str = field(default_factory=lambda: f"fanout-{uuid.uuid4()}")
    publisher: FakePublisher = field(default_factory=FakePublisher)
    intake: FakeIntake = field(default_factory=FakeIntake)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    registries: FakeRegistries = field(default_factory=FakeRegistries)
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))
    seconds_per_reading: float = 0.0
    """What every look at the clock costs: how slow the world is."""

    _elapsed: float = 0.0

    @property
    def client(self) -> Client:
        """Temporal's client."""
        return self.environment.client

    def __post_init__(self) -> None:
        self.registries.versions[self.registry.digest] = self.registry

    async def an_order(self, *, members: int = 1, **changes: object) -> Order:
        """A new cohort, accepted at the server's present, that intake knows and nobody answered."""
        now = await self.environment.get_current_time()
        order = an_order(members=members, now=now)
        order = replace(
            order,
            cohort_id=an_id(next(_NUMBERS)),
            registry_digest=self.registry.digest,
            **changes,
        )
        self.intake.knows(order.cohort_id, members=members, open_members=members)
        return order

    async def start(self, order: Order) -> WorkflowHandle[CohortWorkflow, Ended]:
        """Start a cohort's workflow, without search attributes: one server knows none."""
        return await self.client.start_workflow(
            CohortWorkflow.run,
            order,
            id=workflow_id(order.cohort_id),
            task_queue=self.task_queue,
        )

    async def set_apart(
        self, order: Order, decided: Decided
    ) -> WorkflowHandle[CohortWorkflow, Ended]:
        """Tell a request's workflow of a decision, and start it where it does not run."""
        return await self.client.start_workflow(
            CohortWorkflow.run,
            order,
            id=workflow_id(order.cohort_id),
            task_queue=self.task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=DECIDED_SIGNAL,
            start_signal_args=[decided],
        )

    async def a_leaver(self, **changes: object) -> Order:
        """A request that has left a cohort of three just now, and goes on under the order's dates."""
        home = await self.an_order(members=3, **changes)
        now = await self.environment.get_current_time()
        request_id = an_id(next(_NUMBERS))
        self.intake.knows(request_id, members=1, open_members=1)
        return replace(
            home,
            cohort_id=request_id,
            request_ids=[request_id],
            home_cohort_id=home.cohort_id,
            left_at=now,
        )

    def answer(self, order: Order) -> None:
        """Let every member be answered."""
        self.intake.knows(order.cohort_id, members=len(order.request_ids), open_members=0)

    def _monotonic(self) -> float:
        self._elapsed += self.seconds_per_reading
        return self._elapsed

    def activities(self) -> CohortActivities:
        """The real activities."""
        return CohortActivities(
            opening=Opening(registries=self.registries, publisher=self.publisher),
            notifying=Notifying(
                registries=self.registries,
                intake=self.intake,
                ledger=self.ledger,
                publisher=self.publisher,
                monotonic=self._monotonic,
            ),
            reading=Reading(intake=self.intake, ledger=self.ledger),
            escalating=Escalating(
                registries=self.registries, ledger=self.ledger, publisher=self.publisher
            ),
            amending=Amending(publisher=self.publisher),
            replanning=Replanning(registries=self.registries, publisher=self.publisher),
            workflows=TemporalWorkflows(self.client, task_queue=self.task_queue),
            metrics=self.metrics,
            now=lambda: datetime.now(UTC),
        )


@asynccontextmanager
async def a_world(
    environment: WorkflowEnvironment, registry: Registry | None = None
) -> AsyncIterator[World]:
    """Run a worker for the length of a test."""
    world = World(environment, registry or a_registry())
    worker = new_worker(
        environment.client,
        task_queue=world.task_queue,
        activities=world.activities().all,
        cached_workflows=100,
        concurrent_workflow_tasks=20,
    )
    async with worker:
        yield world


async def events(handle: WorkflowHandle[CohortWorkflow, Ended]) -> list[str]:
    """Return the kinds of a history's events, in order."""
    history = await handle.fetch_history()
    return [
        EventType.Name(one.event_type).removeprefix("EVENT_TYPE_").lower() for one in history.events
    ]


def counted(names: list[str]) -> Counter[str]:
    """Return how often each kind occurs."""
    return Counter(names)
