"""Which cohorts a workflow orchestrates, by what Temporal says.

The image of `dsr` has no client of Temporal, so nothing else imports this.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from dsr_cli.errors import CommandError
from dsr_cli.stack.settings import StackSettings
from dsr_core.cohorts import workflow_id
from dsr_core.ids import CohortId
from dsr_runtime.settings import TemporalSettings
from dsr_runtime.temporal import TemporalConnection, connection_of

__all__ = ["Workflows"]

_RUNNING = "ExecutionStatus = 'Running'"


class Workflows:
    """Temporal, as somebody who looks."""

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

    async def idle(self, cohort_ids: Collection[CohortId]) -> dict[CohortId, str | None]:
        """Return those of the cohorts that no workflow runs for: how theirs ended; none where there is none.

        The index of what runs is read once, and lags; what is not in it is asked for by name.

        Raises:
            CommandError: Temporal does not answer.
        """
        try:
            running = {one.id async for one in self._client.list_workflows(_RUNNING)}
            doubted = [one for one in cohort_ids if workflow_id(one) not in running]
            found = {one: await self._status(one) for one in doubted}
        except RPCError as error:
            raise CommandError(f"Temporal does not say what runs: {error.status.name}") from error
        going = WorkflowExecutionStatus.RUNNING.name
        return {one: status for one, status in found.items() if status != going}

    async def _status(self, cohort_id: CohortId) -> str | None:
        try:
            described = await self._client.get_workflow_handle(workflow_id(cohort_id)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return described.status.name if described.status else None


def _connection() -> TemporalConnection | None:
    """Return how Temporal is reached: DSR_TEMPORAL_*, else the local stack's; none where there is neither."""
    if os.environ.get("DSR_TEMPORAL_ADDRESS"):
        return connection_of(TemporalSettings())  # type: ignore[call-arg]  # from the environment
    local = StackSettings.from_environment()
    if "DSR_KAFKA_BOOTSTRAP" in os.environ or not local.secrets_dir.is_dir():
        return None
    return TemporalConnection(address=local.temporal_address)
