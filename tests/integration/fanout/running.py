"""Fanout against the real Kafka and Temporal, as a test drives it: what intake says, and what came of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import aiohttp
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from google.protobuf.message import Message
from integration.fanout.neighbours import TOKEN, Neighbours
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from dsr_cli.stack import Stack
from dsr_cli.stack.access import kafka_environment
from dsr_contracts.v1 import notices_pb2
from dsr_core.cohorts import workflow_id
from dsr_core.ids import CohortId, RequestId, uuid7
from dsr_core.law.rules import TierAction
from dsr_core.plan import Scope
from dsr_core.registry import Registry
from dsr_fanout.bootstrap import start
from dsr_fanout.settings import FanoutSettings
from dsr_fanout.streams.commands import COMMANDS_GROUP
from dsr_fanout.streams.lifecycle import LIFECYCLE_GROUP
from dsr_fanout.streams.phases import PHASES_GROUP
from dsr_fanout.streams.requests import REQUESTS_GROUP
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_runtime.process import Process
from dsr_wire.codec.commands import Command, Decision, command_to_wire
from dsr_wire.codec.lifecycle import cohort_answered_to_wire
from dsr_wire.codec.notices import Notice, notice_from_wire
from dsr_wire.codec.requests import AcceptedCohort, DatedTier, cohort_accepted_to_wire
from dsr_wire.envelope import decode, encode, header
from dsr_wire.topics import (
    COMMANDS,
    LIFECYCLE,
    OBLIGATIONS,
    PHASES,
    REQUESTS,
    Topic,
    notice_topic,
)
from support.builders import an_accepted_cohort
from support.parts import free_port_base
from support.topics import begin_at_the_end
from support.waiting import eventually

__all__ = [
    "SCOPE",
    "Service",
    "addressed",
    "begin_all_at_the_end",
    "is_ready",
    "new_id",
    "running",
    "settings_of",
]

SCOPE = Scope(("user.contact",))


def settings_of(stack: Stack, neighbours: Neighbours, **changes: str) -> dict[str, str]:
    """Return fanout's settings, as its process finds them: its own Kafka user, its own rights."""
    return {
        **kafka_environment(stack, "fanout"),
        "DSR_TEMPORAL_ADDRESS": stack.temporal_address,
        "DSR_HTTP_PORT": str(free_port_base() + 9),
        "DSR_INTERNAL_TOKEN": TOKEN,
        "DSR_INTAKE_URL": neighbours.url,
        "DSR_VERIFIER_URL": neighbours.url,
        **changes,
    }


@dataclass
class Service:
    """Fanout as others see it."""

    neighbours: Neighbours
    sender: Publisher
    kafka: KafkaConnection
    temporal: Client
    registry: Registry
    url: str

    async def accept(self, *, members: int = 1, scope: Scope = SCOPE) -> AcceptedCohort:
        """Say on Kafka what intake says once a cohort is accepted."""
        cohort = self.a_cohort(members=members, scope=scope)
        await self.say(cohort_accepted_to_wire(cohort), REQUESTS, cohort.cohort_id)
        return cohort

    def a_cohort(self, *, members: int = 1, scope: Scope = SCOPE) -> AcceptedCohort:
        """Return a cohort that intake knows, and has said nothing of."""
        now = datetime.now(UTC)
        ids = [new_id() for _ in range(members)]
        cohort = an_accepted_cohort(
            cohort_id=CohortId(ids[0] if members == 1 else new_id()),
            request_ids=tuple(RequestId(one) for one in ids),
            registry_digest=self.registry.digest,
            scope=scope,
            received_at=now,
            accepted_at=now,
            due_at=now + timedelta(days=30),
            tiers=(
                DatedTier(TierAction.REMIND_SYSTEMS, now + timedelta(days=15)),
                DatedTier(TierAction.RECORD_BREACH, now + timedelta(days=30)),
            ),
        )
        self.neighbours.open_members[cohort.cohort_id] = members
        return cohort

    def leave(self, cohort: AcceptedCohort, request_id: RequestId) -> AcceptedCohort:
        """Have a member go on alone, as far as intake counts; return it as a cohort of one."""
        alone = replace(cohort, cohort_id=CohortId(request_id), request_ids=(request_id,))
        self.neighbours.open_members[alone.cohort_id] = 1
        return alone

    async def decide(
        self, home: AcceptedCohort, alone: AcceptedCohort, decision: Decision, revision: int = 1
    ) -> None:
        """Say on Kafka what a person decided about a request."""
        now = datetime.now(UTC)
        command = Command(
            cohort_id=home.cohort_id,
            request_id=alone.request_ids[0],
            revision=revision,
            effective_at=now,
            recorded_at=now,
            decision=decision,
            alone=alone,
        )
        await self.say(command_to_wire(command), COMMANDS, home.cohort_id)

    async def obligations(self, cohort: AcceptedCohort) -> list[str | None]:
        """Return the ids of the events under a cohort's key on the ledger's stream, in order."""
        key = cohort.cohort_id.encode()
        records = [one for one in await self.records(OBLIGATIONS) if one.key == key]
        return [header(one.headers, "ce_id") for one in sorted(records, key=lambda one: one.offset)]

    async def notices(self, cohort: AcceptedCohort) -> list[Notice]:
        """Return the notices under a cohort's key, in order for each organisation."""
        topics = [notice_topic(cohort.right, one.id) for one in self.registry.organisations]
        key = cohort.cohort_id.encode()
        return [
            notice_from_wire(decode(one.value, one.headers, notices_pb2.Notice))
            for one in await self.records(*topics)
            if one.key == key
        ]

    async def run_id(self, cohort: AcceptedCohort) -> str | None:
        """Return the id of the workflow that runs for a cohort."""
        handle = self.temporal.get_workflow_handle(workflow_id(cohort.cohort_id))
        return (await handle.describe()).run_id

    async def runs(self, cohort: AcceptedCohort) -> int:
        """Return how many workflows there have ever been for a cohort."""
        query = f"WorkflowId = '{workflow_id(cohort.cohort_id)}'"
        return (await self.temporal.count_workflows(query)).count

    async def answer(self, cohort: AcceptedCohort) -> None:
        """Count the cohort down, and say so."""
        self.neighbours.open_members[cohort.cohort_id] = 0
        message = cohort_answered_to_wire(cohort.cohort_id, datetime.now(UTC))
        await self.say(message, LIFECYCLE, cohort.cohort_id)

    async def say(self, message: Message, topic: Topic, key: str) -> None:
        """Publish as intake does."""
        outgoing = encode(
            message,
            topic=topic.name,
            key=key,
            event_id=key,
            source="intake",
            at=datetime.now(UTC),
        )
        await self.sender.publish([outgoing])

    async def status(self, cohort: AcceptedCohort) -> WorkflowExecutionStatus | None:
        """Return how the cohort's workflow is; none while there is none."""
        handle = self.temporal.get_workflow_handle(workflow_id(cohort.cohort_id))
        try:
            return (await handle.describe()).status
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def ended(self, cohort: AcceptedCohort) -> bool:
        """Tell whether the cohort's workflow has ended well."""
        return await self.status(cohort) is WorkflowExecutionStatus.COMPLETED

    async def records(self, *topics: Topic) -> list[ConsumerRecord]:
        """Return everything on some topics."""
        consumer = AIOKafkaConsumer(
            *(one.name for one in topics),
            **self.kafka.arguments(),
            group_id=None,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            await consumer.seek_to_beginning()
            ends = await consumer.end_offsets(consumer.assignment())
            found: list[ConsumerRecord] = []
            while any([await consumer.position(one) < end for one, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found.extend(batch)
            return found
        finally:
            await consumer.stop()

    async def metric(self, name: str) -> float:
        """Return the sum of a metric's samples."""
        async with aiohttp.request("GET", f"{self.url}/metrics") as response:
            lines = (await response.text()).splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


@asynccontextmanager
async def running(
    stack: Stack,
    neighbours: Neighbours,
    kafka: KafkaConnection,
    registry: Registry,
    **changes: str,
) -> AsyncIterator[Service]:
    """Run fanout in this loop."""
    variables = settings_of(stack, neighbours, DSR_REMINDER_AFTER_SECONDS="2", **changes)
    fields = {name.removeprefix("DSR_").lower(): value for name, value in variables.items()}
    settings = FanoutSettings(**fields)  # type: ignore[arg-type]  # as the environment gives them
    await begin_all_at_the_end(kafka)
    process = Process()
    await start(settings, process)
    url = f"http://{settings.http_host}:{settings.http_port}"
    try:
        async with addressed(stack, neighbours, kafka, registry, url) as service:
            await eventually(lambda: is_ready(url), within=30)
            yield service
    finally:
        process.stopping.set()
        assert await process.wait() == 0


@asynccontextmanager
async def addressed(
    stack: Stack,
    neighbours: Neighbours,
    kafka: KafkaConnection,
    registry: Registry,
    url: str,
) -> AsyncIterator[Service]:
    """Speak to a fanout that runs, or will."""
    sender = Publisher(kafka, client_id="test-intake")
    await sender.start()
    try:
        temporal = await Client.connect(stack.temporal_address)
        yield Service(neighbours, sender, kafka, temporal, registry, url)
    finally:
        await sender.stop()


async def begin_all_at_the_end(kafka: KafkaConnection) -> None:
    """Have fanout begin after what other tests have sent."""
    groups = (
        (REQUESTS_GROUP, REQUESTS),
        (LIFECYCLE_GROUP, LIFECYCLE),
        (COMMANDS_GROUP, COMMANDS),
        (PHASES_GROUP, PHASES),
    )
    for group, topic in groups:
        await begin_at_the_end(kafka, group, [topic])


async def is_ready(url: str) -> bool:
    try:
        async with aiohttp.request("GET", f"{url}/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def new_id() -> str:
    return uuid7(int(datetime.now(UTC).timestamp() * 1000), os.urandom(10))
