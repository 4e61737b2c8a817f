"""A workflow that has ended too early goes on, on the real Temporal; what cannot is said."""

from __future__ import annotations

import uuid

import pytest
from temporalio.client import Client

from dsr_cli.reconcile.orchestration import Ended
from dsr_cli.reconcile.workflows import Workflows
from dsr_core.cohorts import workflow_id
from dsr_core.ids import CohortId
from support.reconciling import forgotten
from support.waiting import eventually

REASON = "restored to an earlier time"


@pytest.fixture
async def client(temporal_address: str) -> Client:
    """A client of Temporal."""
    return await Client.connect(temporal_address)


async def terminated(client: Client) -> tuple[CohortId, Ended]:
    """Return a cohort whose workflow was ended before anybody began it."""
    cohort_id = CohortId(str(uuid.uuid4()))
    handle = await client.start_workflow(
        "nobody-works-on-it", id=workflow_id(cohort_id), task_queue=f"nobody-{cohort_id}"
    )
    await handle.terminate(reason="a test")
    found = await eventually(lambda: Workflows(client).idle([cohort_id]), what="it has ended")
    [ended] = found.values()
    assert ended is not None
    assert ended.status == "TERMINATED"
    return cohort_id, ended


async def test_one_that_goes_on_has_the_reason_and_is_idle_no_more(client: Client) -> None:
    cohort_id, ended = await terminated(client)
    workflows = Workflows(client)
    assert await workflows.reset(cohort_id, ended, reason=REASON) == ""
    assert await workflows.idle([cohort_id]) == {}
    handle = client.get_workflow_handle(workflow_id(cohort_id))
    history = [one async for one in handle.fetch_history_events()]
    told = [one.workflow_task_failed_event_attributes.failure.message for one in history]
    assert any(REASON in one for one in told)
    await handle.terminate()


async def test_one_that_temporal_has_forgotten_meanwhile_is_left_and_said(client: Client) -> None:
    cohort_id, ended = await terminated(client)
    await forgotten(client, workflow_id(cohort_id))
    workflows = Workflows(client)
    assert "NOT_FOUND" in await workflows.reset(cohort_id, ended, reason=REASON)
    assert await workflows.idle([cohort_id]) == {cohort_id: None}
