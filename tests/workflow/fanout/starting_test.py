"""Starting on the development server: search attributes, eager start, and starting twice."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import (
    ListWorkflowExecutionsRequest,
    RegisterNamespaceRequest,
)
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from unit.fanout.fanout_fakes import an_order
from workflow.fanout.cohort_world import World, a_world, events

from dsr_core.cohorts import workflow_id
from dsr_core.errors import RejectedInput, Unavailable
from dsr_fanout.adapters.temporal import TemporalWorkflows, ensure_search_attributes, retention
from dsr_fanout.orders import DUE_AT, JURISDICTION, RIGHT, SIZE, STATE, Ended, Order
from dsr_fanout.workflows.cohort import CohortWorkflow
from support.builders import a_registry, a_system
from support.waiting import eventually


def _handle(world: World, order: Order) -> WorkflowHandle[CohortWorkflow, Ended]:
    return world.client.get_workflow_handle_for(CohortWorkflow.run, workflow_id(order.cohort_id))


async def test_started_cohort_is_found_by_its_attributes_and_is_started_eagerly(
    development: WorkflowEnvironment,
) -> None:
    async with a_world(development) as world:
        workflows = TemporalWorkflows(world.client, task_queue=world.task_queue)
        order = await world.an_order(members=2)
        assert await workflows.start(order)
        await eventually(lambda: world.publisher.asked(0))

        described = await _handle(world, order).describe()
        attributes = described.typed_search_attributes
        assert attributes[RIGHT] == "deletion"
        assert attributes[JURISDICTION] == "DE"
        assert attributes[STATE] == "open"
        assert attributes[SIZE] == 2
        assert abs((attributes[DUE_AT] - order.due_at).total_seconds()) < 1
        assert "2" in (await described.static_summary() or "")
        history = await _handle(world, order).fetch_history()
        started = history.events[0].workflow_execution_started_event_attributes
        assert started.eager_execution_accepted

        world.answer(order)
        assert await workflows.hint(order.cohort_id)
        await _handle(world, order).result()


async def test_started_twice_is_a_no_op_while_it_runs_and_after_it_ended(
    development: WorkflowEnvironment,
) -> None:
    async with a_world(development) as world:
        workflows = TemporalWorkflows(world.client, task_queue=world.task_queue)
        order = await world.an_order()
        assert await workflows.start(order)
        first = (await _handle(world, order).describe()).run_id
        assert await workflows.start(order)
        assert (await _handle(world, order).describe()).run_id == first
        await eventually(lambda: world.publisher.asked(0))

        world.answer(order)
        assert await workflows.hint(order.cohort_id)
        await _handle(world, order).result()
        assert not await workflows.start(order)
        assert not await workflows.hint(order.cohort_id)
        assert world.publisher.event_ids.count(f"{order.cohort_id}/opened") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"jurisdiction": "j" * 3_000},  # more than a search attribute holds
        {"regime": "r" * 2_500_000},  # more than a payload may have
        {"regime": "r" * 5_000_000},  # more than a call may have
    ],
    ids=["attribute", "payload", "call"],
)
async def test_an_order_that_temporal_will_never_take_is_rejected_and_not_waited_for(
    development: WorkflowEnvironment, change: dict[str, str]
) -> None:
    order = replace(an_order(), **change)
    workflows = TemporalWorkflows(development.client, task_queue="unused")
    with pytest.raises(RejectedInput) as raised:
        await workflows.start(order)
    assert raised.value.reason == "refused_by_temporal"


async def test_an_order_is_waited_with_where_an_operator_has_registered_no_attributes(
    development: WorkflowEnvironment,
) -> None:
    """Temporal says the same of it as of a bad order, and would say so of every one."""
    name = f"bare-{uuid.uuid4().hex[:8]}"
    await development.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=Duration(seconds=86_400)
        )
    )
    address = development.client.service_client.config.target_host
    bare = await Client.connect(address, namespace=name)
    workflows = TemporalWorkflows(bare, task_queue="unused")

    async def refused() -> bool:
        with pytest.raises(Unavailable) as raised:
            await workflows.start(an_order())
        return "INVALID_ARGUMENT" in str(raised.value)

    await eventually(refused, within=30, what="the namespace is known")


async def test_hint_for_a_cohort_without_a_workflow_is_an_answer(
    development: WorkflowEnvironment,
) -> None:
    workflows = TemporalWorkflows(development.client, task_queue="unused")
    assert not await workflows.hint("019cade2-38d0-7000-8000-00000000ffff")


async def test_search_attributes_are_registered_once_and_ensured_often(
    development: WorkflowEnvironment,
) -> None:
    await ensure_search_attributes(development.client)
    await ensure_search_attributes(development.client)
    assert (await retention(development.client)).total_seconds() > 0


async def test_cohort_is_one_workflow_of_few_events_on_a_real_server(
    development: WorkflowEnvironment,
) -> None:
    async with a_world(development) as world:
        workflows = TemporalWorkflows(world.client, task_queue=world.task_queue)
        order = await world.an_order(members=250)
        await workflows.start(order)
        await eventually(lambda: world.publisher.asked(0))
        world.answer(order)
        await workflows.hint(order.cohort_id)
        await _handle(world, order).result()
        assert len(await events(_handle(world, order))) <= 25


async def test_overdue_cohorts_are_found(development: WorkflowEnvironment) -> None:
    async with a_world(development) as world:
        workflows = TemporalWorkflows(world.client, task_queue=world.task_queue)
        now = await development.get_current_time()
        order = await world.an_order(due_at=now, remind_after_s=0.001)
        await workflows.start(order)

        async def found() -> bool:
            query = f"DsrState = 'overdue' and WorkflowId = '{workflow_id(order.cohort_id)}'"
            listed = await world.client.workflow_service.list_workflow_executions(
                ListWorkflowExecutionsRequest(namespace=world.client.namespace, query=query)
            )
            return len(listed.executions) == 1

        await eventually(found)
        world.answer(order)
        await workflows.hint(order.cohort_id)
        assert (await _handle(world, order).result()).was_overdue


async def test_long_history_goes_on_in_a_new_one_from_where_it_was(
    development: WorkflowEnvironment,
) -> None:
    async with a_world(development) as world:
        workflows = TemporalWorkflows(world.client, task_queue=world.task_queue)
        order = await world.an_order()
        await workflows.start(order)
        await eventually(lambda: world.publisher.asked(0))
        first = (await _handle(world, order).describe()).run_id

        async def continued() -> bool:
            reads = world.intake.reads[order.cohort_id]
            await workflows.hint(order.cohort_id)
            await eventually(lambda: world.intake.reads[order.cohort_id] > reads)
            return (await _handle(world, order).describe()).run_id != first

        await eventually(continued)
        world.answer(order)
        await workflows.hint(order.cohort_id)
        ended = await _handle(world, order).result()

    assert ended.systems == 3
    assert world.publisher.event_ids.count(f"{order.cohort_id}/opened") == 1


async def test_who_is_untold_is_told_by_the_new_history_of_a_long_one(
    development: WorkflowEnvironment,
) -> None:
    async with a_world(development) as world:
        workflows = TemporalWorkflows(world.client, task_queue=world.task_queue)
        world.intake.without_keys = {"mailer"}
        order = await world.an_order(members=3)
        await workflows.start(order)
        await eventually(lambda: world.publisher.asked(0))
        first = (await _handle(world, order).describe()).run_id

        async def continued() -> bool:
            reads = world.intake.reads[order.cohort_id]
            await workflows.hint(order.cohort_id)
            await eventually(lambda: world.intake.reads[order.cohort_id] > reads)
            return (await _handle(world, order).describe()).run_id != first

        await eventually(continued, within=30)
        assert set(world.publisher.asked(0)) == {"billing", "crm"}
        world.intake.without_keys.clear()
        await eventually(lambda: len(world.publisher.asked(0)) == 3)
        assert world.publisher.asked(0)["mailer"] == set(order.request_ids)
        world.answer(order)
        await workflows.hint(order.cohort_id)
        await _handle(world, order).result()

    assert world.publisher.event_ids.count(f"{order.cohort_id}/example-group/0") == 1
    assert world.publisher.event_ids.count(f"{order.cohort_id}/opened") == 1


async def test_every_running_cohort_is_told_of_a_registry_version_and_once(
    development: WorkflowEnvironment,
) -> None:
    async with a_world(development) as world:
        workflows = TemporalWorkflows(world.client, task_queue=world.task_queue)
        orders = [await world.an_order() for _ in range(3)]
        for order in orders:
            await workflows.start(order)
        await eventually(lambda: len(world.publisher.opened) == 3)
        newer = a_registry(a_system("archive", "example-archive"))
        world.registries.versions[newer.digest] = newer
        version = await world.registries.newest()
        assert await workflows.replan(version)
        await eventually(lambda: len(world.publisher.amended) >= 3)
        members = {one for order in orders for one in order.request_ids}
        assert {one.request_id for one in world.publisher.amended} == members
        second = int(version.published_at.timestamp())
        replanning = world.client.get_workflow_handle(f"dsr-replan-{newer.digest}-{second}")
        await replanning.result()
        assert not await workflows.replan(version)
        for order in orders:
            world.answer(order)
            await workflows.hint(order.cohort_id)
            await _handle(world, order).result()
