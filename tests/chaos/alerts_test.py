"""Alerts about parts and services fire for real: each fault is done to the running loop, then ends.

The rules are the checkout's own, with their waiting times shortened to seconds. The other alerts are in
the files beside this one; `tests/monitoring/faults_test.py` holds the runbooks' table to all of them.
"""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import TaskQueueKind
from temporalio.client import Client

from dsr_cli.api.client import ApiError
from dsr_core.cohorts import workflow_id
from dsr_fanout.orders import PHASE_SIGNAL
from dsr_wire.topics import REGISTRY
from support.faults import by_command, one_missing, without
from support.forging import Raw, send
from support.loop import Loop
from support.prometheus import Prometheus
from support.services import free_port
from support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


async def test_a_service_that_is_gone(loop: Loop, prometheus: Prometheus) -> None:
    async with without(loop, "verifier"):
        await prometheus.fires("DsrServiceAbsent", service="verifier")
    await prometheus.is_over("DsrServiceAbsent", service="verifier")


async def test_kafka_that_is_away(loop: Loop, prometheus: Prometheus) -> None:
    async with without(loop, "kafka"):
        request_id = await loop.submit()
        await prometheus.fires("DsrOutboxStuck", service="intake")
    await loop.answered(request_id)
    await prometheus.is_over("DsrOutboxStuck", service="intake")


async def test_postgresql_that_is_away(loop: Loop, prometheus: Prometheus) -> None:
    refused = 0

    async def is_told() -> bool:
        nonlocal refused
        try:
            await loop.submit()
        except ApiError:
            refused += 1
        return await prometheus.firing("DsrAcceptanceBurnFast")

    async with without(loop, "postgres"):
        await eventually(is_told, within=120, what="the alert fires")
        await prometheus.fires("DsrAcceptanceBurnSlow")
        await prometheus.fires("DsrMeasurementsStale", service="intake")
    assert refused > 0
    await prometheus.is_over("DsrMeasurementsStale", service="intake")


async def test_temporal_that_is_away(loop: Loop, prometheus: Prometheus) -> None:
    topic = "dsr.requests.v1"
    async with without(loop, "temporal"):
        request_id = await loop.submit()
        await prometheus.fires("DsrConsumerBehind", topic=topic)
    await loop.answered(request_id)
    await prometheus.is_over("DsrConsumerBehind", topic=topic)


async def test_an_intake_that_workflows_do_not_reach(loop: Loop, prometheus: Prometheus) -> None:
    loop.stack.kill("fanout", signal.SIGSTOP)
    try:
        request_ids = [await loop.submit() for _ in range(3)]

        async def is_published() -> bool:
            return not await loop.query("select 1 from intake.outbox limit 1")

        await eventually(is_published, within=30)
        await asyncio.to_thread(loop.stack.stop, "intake")
    finally:
        loop.stack.kill("fanout", signal.SIGCONT)
    try:
        await prometheus.fires("DsrCallsFailing", part="intake")
        await prometheus.fires("DsrStepsHeldUp")
    finally:
        await asyncio.to_thread(loop.stack.start, "intake")
    await loop.answered(*request_ids)
    await prometheus.is_over("DsrCallsFailing", part="intake")


async def test_a_worker_that_is_away(loop: Loop, prometheus: Prometheus) -> None:
    temporal = await Client.connect(loop.stack.temporal_address)

    async def has_waited() -> bool:
        history = await workflow.fetch_history()
        task = history.events[-1].workflow_task_scheduled_event_attributes
        is_anybodys = task.task_queue.kind == TaskQueueKind.TASK_QUEUE_KIND_NORMAL
        scheduled = history.events[-1].event_time.ToDatetime(tzinfo=UTC)
        return is_anybodys and datetime.now(UTC) - scheduled > timedelta(seconds=8)

    async with one_missing(loop) as request_id:
        async with without(loop, "fanout"):
            workflow = temporal.get_workflow_handle(workflow_id(request_id))
            # A hint that is read again before it is believed.
            await workflow.signal(PHASE_SIGNAL)
            await eventually(has_waited, within=60)
        await prometheus.fires("DsrWorkflowTasksSlow")


async def test_rubbish_in_the_registry(loop: Loop, prometheus: Prometheus) -> None:
    send(loop, Raw(REGISTRY.name, b"rubbish", b"rubbish", ()))
    await prometheus.fires("DsrRegistryUnread")


async def test_a_mail_server_that_is_away(loop: Loop, prometheus: Prometheus) -> None:
    async with without(loop, "mail"):
        request_id = await loop.submit()
        await prometheus.fires("DsrLettersStuck", kind="done")
        giving_up = ("letter", "give-up", request_id, "--reason", "told by post", "--yes")
        await by_command(loop, *giving_up)
        await prometheus.fires("DsrLettersGivenUp", kind="done")
    await loop.answered(request_id)
    await prometheus.is_over("DsrLettersStuck", kind="done")


async def test_a_client_that_is_not_there_any_more(loop: Loop, prometheus: Prometheus) -> None:
    await by_command(loop, "webhook", "set", f"http://127.0.0.1:{free_port()}/")
    try:
        await loop.answered(await loop.submit())
        # Two days of tries are not lived through here: they are over.
        tried = "update intake.webhook_deliveries set tries = 9, next_try_at = now() returning 1"
        await eventually(lambda: loop.query(tried), within=60)
        await prometheus.fires("DsrWebhooksGivenUp")
    finally:
        await by_command(loop, "webhook", "remove")
