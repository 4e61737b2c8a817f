"""Which cohorts a workflow orchestrates, by what Temporal says.

The image of `dsr` has no client of Temporal, so nothing else imports this.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyExcludeType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from dsr_cli.errors import CommandError
from dsr_cli.reconcile.orchestration import Ended
from dsr_cli.stack.settings import StackSettings
from dsr_core.cohorts import workflow_id
from dsr_core.ids import CohortId
from dsr_runtime.settings import TemporalSettings
from dsr_runtime.temporal import TemporalConnection, connection_of

__all__ = ["Workflows", "task_to_go_back_to"]

_RUNNING = "ExecutionStatus = 'Running'"
_RPC_TIMEOUT = timedelta(seconds=10)


class Workflows:
    """The port `Orchestration`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    async def reached(cls) -> Workflows | None:
        """Return it; none where nothing says where it is.

        Raises:
            CommandError: It does not answer, or refuses.
        """
        connection = _connection()
        if connection is None:
            return None
        try:
            return cls(await connection.client())
        except (RPCError, RuntimeError) as error:
            raise CommandError(
                f"Temporal does not answer at {connection.address}; see DSR_TEMPORAL_ADDRESS"
            ) from error

    async def idle(self, cohort_ids: Collection[CohortId]) -> dict[CohortId, Ended | None]:
        """Return those of the cohorts that no workflow runs for.

        The index of what runs is read once, and lags; what is not in it is asked for by name.

        Raises:
            CommandError: Temporal does not answer.
        """
        try:
            running = {one.id async for one in self._client.list_workflows(_RUNNING)}
            doubted = [one for one in cohort_ids if workflow_id(one) not in running]
            found = {one: await self._ended(one) for one in doubted}
        except RPCError as error:
            raise CommandError(f"Temporal does not say what runs: {error.status.name}") from error
        going = WorkflowExecutionStatus.RUNNING.name
        return {one: how for one, how in found.items() if how is None or how.status != going}

    async def reset(self, cohort_id: CohortId, ended: Ended, *, reason: str) -> str:
        """Have a workflow go on from the last task that did not lead to its end."""
        name = workflow_id(cohort_id)
        handle = self._client.get_workflow_handle(name, run_id=ended.run_id)
        try:
            history = [one async for one in handle.fetch_history_events(rpc_timeout=_RPC_TIMEOUT)]
            task = task_to_go_back_to(history)
            if task is None:
                return "its history has no task to go back to"
            await self._client.workflow_service.reset_workflow_execution(
                ResetWorkflowExecutionRequest(
                    namespace=self._client.namespace,
                    workflow_execution=WorkflowExecution(workflow_id=name, run_id=ended.run_id),
                    reason=reason,
                    workflow_task_finish_event_id=task,
                    request_id=str(uuid.uuid4()),
                    # Whoever cancelled it would end it again.
                    reset_reapply_exclude_types=[
                        ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_CANCEL_REQUEST
                    ],
                    identity="dsr reconcile",
                ),
                timeout=_RPC_TIMEOUT,
            )
        except RPCError as error:
            return f"Temporal refuses: {error.status.name}, {error.message}"
        return ""

    async def _ended(self, cohort_id: CohortId) -> Ended | None:
        try:
            described = await self._client.get_workflow_handle(workflow_id(cohort_id)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        status = described.status.name if described.status else ""
        return Ended(status, described.run_id)


def task_to_go_back_to(history: Sequence[HistoryEvent]) -> int | None:
    """Return the event that the last workflow task which is of use ended with; none where there is none.

    Of one that was cancelled that is the last before somebody asked for it, and of one that is over the
    one in which it last read: what it had read then must be read again. Where a task was never done, its
    first one is begun anew.
    """
    kept: list[HistoryEvent] = []
    for event in history:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
            break
        kept.append(event)
    if history and history[-1].event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
        for event in reversed(kept):
            if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
                return event.marker_recorded_event_attributes.workflow_task_completed_event_id
    for event in reversed(kept):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            return event.event_id
    for event in kept:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
            return event.event_id + 1
    return None


def _connection() -> TemporalConnection | None:
    """Return how Temporal is reached: DSR_TEMPORAL_*, else the local stack's; none where there is neither."""
    if os.environ.get("DSR_TEMPORAL_ADDRESS"):
        return connection_of(TemporalSettings())  # type: ignore[call-arg]  # from the environment
    local = StackSettings.from_environment()
    if "DSR_KAFKA_BOOTSTRAP" in os.environ or not local.secrets_dir.is_dir():
        return None
    return TemporalConnection(address=local.temporal_address)
