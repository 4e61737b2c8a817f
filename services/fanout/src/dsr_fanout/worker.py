"""The Temporal worker: which workflow and activities it has, and how it is tuned."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.worker import Worker

from dsr_fanout.activities.spans import Spans
from dsr_fanout.runner import CohortRunner
from dsr_fanout.workflows.cohort import CohortWorkflow
from dsr_fanout.workflows.replan import ReplanWorkflow

__all__ = ["CohortWorker", "log_as_we_do", "new_worker"]

_GRACE = timedelta(seconds=3)
"""What local activities in hand get at the end; what they did not finish is done again elsewhere."""


def log_as_we_do() -> None:
    """Have Temporal's core log through this process's logging; call it before anything connects.

    By itself it writes lines of its own form to standard output.
    """
    forwarding = LogForwardingConfig(logger=logging.getLogger("temporalio.core"))
    level = TelemetryFilter(core_level="WARN", other_level="ERROR")
    telemetry = TelemetryConfig(logging=LoggingConfig(filter=level, forwarding=forwarding))
    Runtime.set_default(Runtime(telemetry=telemetry))


def new_worker(
    client: Client,
    *,
    task_queue: str,
    activities: Sequence[Callable[..., Any]],
    cached_workflows: int,
    concurrent_workflow_tasks: int,
) -> Worker:
    """Return a worker for cohorts."""
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[CohortWorkflow, ReplanWorkflow],
        activities=activities,
        workflow_runner=CohortRunner(),
        interceptors=[Spans()],
        max_cached_workflows=cached_workflows,
        max_concurrent_workflow_tasks=concurrent_workflow_tasks,
        # Every workflow task in hand may run one at the same time.
        max_concurrent_local_activities=concurrent_workflow_tasks,
        # Local activities only: polling for others would cost calls, and never bring one.
        no_remote_activities=True,
        # Should this process die, its cached workflows go to another worker after this time. Less
        # would let a burst time out, and each of its workflows be replayed on top.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=10),
        graceful_shutdown_timeout=_GRACE,
    )


class CohortWorker:
    """Runs the worker until it is told to stop."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`; a fault that the worker cannot overcome is raised."""
        working = asyncio.create_task(self._worker.run())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            await self._worker.shutdown()
        await working

    def stop(self) -> None:
        """Ask the worker to take no more tasks and to end."""
        self._stopping.set()

    async def ping(self) -> None:
        """Return while the worker works.

        Raises:
            RuntimeError: It does not.
        """
        if not self._worker.is_running:
            raise RuntimeError("the worker does not run")
