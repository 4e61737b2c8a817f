"""The one place that knows adapters: builds fanout from its settings, and starts it on a process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from prometheus_client import CollectorRegistry
from temporalio.client import Client
from temporalio.service import RPCError

from dsr_fanout.activities.cohort import CohortActivities
from dsr_fanout.adapters.calls import Calls, new_session
from dsr_fanout.adapters.intake import HttpIntake
from dsr_fanout.adapters.kafka import KafkaPublisher
from dsr_fanout.adapters.registry import PublishedRegistries
from dsr_fanout.adapters.temporal import (
    TemporalWorkflows,
    ensure_search_attributes,
    retention,
    server_of,
)
from dsr_fanout.adapters.verifier import HttpLedger
from dsr_fanout.application.amending import Amending
from dsr_fanout.application.commanding import Commanding
from dsr_fanout.application.escalating import Escalating
from dsr_fanout.application.notifying import Notifying
from dsr_fanout.application.opening import Opening
from dsr_fanout.application.ordering import ReminderPolicy
from dsr_fanout.application.reading import Reading
from dsr_fanout.application.replanning import Replanning
from dsr_fanout.application.starting import Starting
from dsr_fanout.http.app import fanout_app
from dsr_fanout.metrics import Metrics
from dsr_fanout.ports import Workflows
from dsr_fanout.settings import FanoutSettings
from dsr_fanout.streams.commands import COMMANDS_GROUP, CommandsStream
from dsr_fanout.streams.lifecycle import LIFECYCLE_GROUP, LifecycleStream
from dsr_fanout.streams.phases import PHASES_GROUP, PhasesStream
from dsr_fanout.streams.refusals import Refusals
from dsr_fanout.streams.registry import RegistryWatcher
from dsr_fanout.streams.requests import REQUESTS_GROUP, RequestsStream
from dsr_fanout.worker import CohortWorker, new_worker
from dsr_runtime.backoff import Backoff
from dsr_runtime.health import Health
from dsr_runtime.http.app import HttpServer
from dsr_runtime.kafka import Publisher, RecordLoop
from dsr_runtime.lag import Lag
from dsr_runtime.process import Process, Ready
from dsr_runtime.temporal import connect, connection_of, showing_metrics
from dsr_wire.topics import COMMANDS, LIFECYCLE, PHASES, REQUESTS

__all__ = ["start"]

log = structlog.get_logger(__name__)

_FORGETTING_MARGIN = 0.9
"""The part of Temporal's retention after which its memory is not relied upon; clocks differ."""

_LAST = 1
"""The turn to stop of what the streams and the worker need until they have ended."""

_PROBE_TIMEOUT = timedelta(seconds=2)


async def start(settings: FanoutSettings, process: Process) -> None:
    """Build everything and start it, waiting for the parts that are away; return when it runs.

    The probes answer from the first moment, and name each part that is away. Work stops in this
    order: no new workflows, no hints, and then what is in hand is finished.
    """
    metrics = Metrics(CollectorRegistry())
    health = Health()
    app = fanout_app(health=health, metrics=metrics.registry)
    server = HttpServer(app, host=settings.http_host, port=settings.http_port)
    process.spawn(server.run(), stop=server.stop)
    health.expect(
        "temporal",
        "requests stream",
        "commands stream",
        "lifecycle stream",
        "phases stream",
        "worker",
    )

    registries = PublishedRegistries(
        settings.kafka, rejected=lambda reason: metrics.bad_registry_records.labels(reason).inc()
    )
    process.spawn(registries.topic.run(), stop=registries.topic.stop, turn=_LAST)
    health.add("registry", registries.topic.ping)
    sender = Publisher(settings.kafka, client_id="dsr.fanout")
    health.add("kafka", sender.ping)
    process.on_close(sender.stop)
    connected = Ready(sender.start)
    process.on_close(connected.close)
    publisher = KafkaPublisher(sender)

    session = new_session()
    process.on_close(session.close)
    token = settings.internal_token.get_secret_value()
    intake = HttpIntake(
        Calls(session, part="intake", url=settings.intake_url, token=token, metrics=metrics)
    )
    ledger = HttpLedger(
        Calls(session, part="verifier", url=settings.verifier_url, token=token, metrics=metrics)
    )

    health.watch("intake", intake.look)
    health.watch("verifier", ledger.look)

    runtime = showing_metrics(settings.http_host, settings.temporal_metrics_port)
    client = await connect(connection_of(settings), runtime)
    health.add("temporal", lambda: client.service_client.check_health(timeout=_PROBE_TIMEOUT))
    health.watch("temporal server", lambda: server_of(client))
    remembered = await _prepared(client)
    await connected.wait()

    workflows = TemporalWorkflows(client, task_queue=settings.temporal_task_queue)
    activities = CohortActivities(
        opening=Opening(registries=registries, publisher=publisher),
        notifying=Notifying(
            registries=registries,
            intake=intake,
            ledger=ledger,
            publisher=publisher,
            monotonic=time.monotonic,
        ),
        reading=Reading(intake=intake, ledger=ledger),
        escalating=Escalating(registries=registries, ledger=ledger, publisher=publisher),
        amending=Amending(publisher=publisher),
        replanning=Replanning(registries=registries, publisher=publisher),
        workflows=workflows,
        metrics=metrics,
        now=_now,
    )
    worker = CohortWorker(
        new_worker(
            client,
            task_queue=settings.temporal_task_queue,
            activities=activities.all,
            cached_workflows=settings.cached_workflows,
            concurrent_workflow_tasks=settings.concurrent_workflow_tasks,
        )
    )
    refusals = Refusals(publisher=publisher, metrics=metrics, now=_now)
    reminders = ReminderPolicy(fraction=settings.reminder_after, fixed=settings.reminder_fixed)
    requests = RecordLoop(
        settings.kafka,
        topics=[REQUESTS.name],
        group_id=REQUESTS_GROUP,
        handle=RequestsStream(
            starting=Starting(
                workflows=workflows, intake=intake, reminders=reminders, retention=remembered
            ),
            refusals=refusals,
            metrics=metrics,
            now=_now,
            concurrency=settings.concurrent_starts,
        ).handle,
    )
    hints = _hints(settings, workflows, refusals, metrics)
    commands = RecordLoop(
        settings.kafka,
        topics=[COMMANDS.name],
        group_id=COMMANDS_GROUP,
        handle=CommandsStream(
            commanding=Commanding(
                workflows=workflows, intake=intake, reminders=reminders, retention=remembered
            ),
            refusals=refusals,
            metrics=metrics,
            now=_now,
            concurrency=settings.concurrent_starts,
        ).handle,
    )
    health.add("requests stream", requests.ping)
    health.add("commands stream", commands.ping)
    for name, loop in hints.items():
        health.add(name, loop.ping)
    health.add("worker", worker.ping)
    loops = (requests, commands, *hints.values())
    process.spawn(_run(loops), stop=partial(_stop, loops))
    for loop in loops:
        metrics.groups.show(loop)
    groups = {
        REQUESTS.name: REQUESTS_GROUP,
        COMMANDS.name: COMMANDS_GROUP,
        LIFECYCLE.name: LIFECYCLE_GROUP,
        PHASES.name: PHASES_GROUP,
    }
    lag = Lag(
        settings.kafka,
        groups,
        show=lambda topic, unread: metrics.consumer_lag.labels(topic).set(unread),
    )
    process.spawn(lag.run(), stop=lag.stop)
    watcher = RegistryWatcher(registries=registries, workflows=workflows)
    process.spawn(watcher.run(), stop=watcher.stop)
    process.spawn(worker.run(), stop=worker.stop)


def _stop(loops: Iterable[RecordLoop]) -> None:
    for loop in loops:
        loop.stop()


async def _run(loops: Iterable[RecordLoop]) -> None:
    """Run what reads, as one piece of work: however many of them hang at the end, they hang together."""
    async with asyncio.TaskGroup() as running:
        for loop in loops:
            running.create_task(loop.run())


def _hints(
    settings: FanoutSettings, workflows: Workflows, refusals: Refusals, metrics: Metrics
) -> dict[str, RecordLoop]:
    """Return what reads hints for workflows, each by the name that the probes have for it."""
    limit = settings.concurrent_starts
    lifecycle = LifecycleStream(
        workflows=workflows, refusals=refusals, metrics=metrics, concurrency=limit
    )
    phases = PhasesStream(
        workflows=workflows, refusals=refusals, metrics=metrics, concurrency=limit
    )
    return {
        "lifecycle stream": RecordLoop(
            settings.kafka,
            topics=[LIFECYCLE.name],
            group_id=LIFECYCLE_GROUP,
            handle=lifecycle.handle,
        ),
        "phases stream": RecordLoop(
            settings.kafka, topics=[PHASES.name], group_id=PHASES_GROUP, handle=phases.handle
        ),
    }


async def _prepared(client: Client) -> timedelta:
    """Register what workflows are found by; return for how long ended workflows are relied upon."""
    backoff = Backoff()
    while True:
        try:
            await ensure_search_attributes(client)
            return await retention(client) * _FORGETTING_MARGIN
        except RPCError as error:
            log.warning("temporal is away", error=error.status.name)
            await backoff.wait()


def _now() -> datetime:
    return datetime.now(UTC)
