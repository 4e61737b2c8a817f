"""The whole service against the real Kafka and Temporal; intake and the verifier are small servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from google.protobuf.message import Message
from integration.fanout.neighbours import TOKEN, Neighbours
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from dsr_cli.stack import Stack
from dsr_cli.stack.access import secret_name
from dsr_contracts.v1 import notices_pb2, obligations_pb2
from dsr_core.cohorts import workflow_id
from dsr_core.ids import CohortId, RequestId, uuid7
from dsr_core.law.rules import TierAction
from dsr_core.plan import Scope, by_organisation, plan
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_fanout.bootstrap import start
from dsr_fanout.settings import FanoutSettings
from dsr_fanout.streams.lifecycle import LIFECYCLE_GROUP
from dsr_fanout.streams.requests import REQUESTS_GROUP
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_runtime.process import Process
from dsr_wire.codec.lifecycle import cohort_answered_to_wire
from dsr_wire.codec.requests import AcceptedCohort, DatedTier, cohort_accepted_to_wire
from dsr_wire.envelope import Outgoing, decode, encode, header
from dsr_wire.topics import LIFECYCLE, OBLIGATIONS, REQUESTS, Topic, dead_letter, notice_topic
from support.builders import an_accepted_cohort
from support.parts import free_port_base
from support.topics import begin_at_the_end
from support.waiting import eventually

_SCOPE = Scope(("user.contact",))


def _environment(stack: Stack, neighbours: Neighbours, **changes: str) -> dict[str, str]:
    """Return fanout's settings, as its process finds them: its own Kafka user, its own rights."""
    return {
        "DSR_KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
        "DSR_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "DSR_KAFKA_USERNAME": "fanout",
        "DSR_KAFKA_PASSWORD": stack.secrets.secret(secret_name("fanout")),
        "DSR_TEMPORAL_ADDRESS": stack.temporal_address,
        "DSR_HTTP_PORT": str(free_port_base() + 9),
        "DSR_INTERNAL_TOKEN": TOKEN,
        "DSR_INTAKE_URL": neighbours.url,
        "DSR_VERIFIER_URL": neighbours.url,
        **changes,
    }


@dataclass
class _Service:
    neighbours: Neighbours
    sender: Publisher
    kafka: KafkaConnection
    temporal: Client
    registry: Registry
    url: str

    async def accept(self, *, members: int = 1, scope: Scope = _SCOPE) -> AcceptedCohort:
        """Say on Kafka what intake says once a cohort is accepted."""
        now = datetime.now(UTC)
        ids = [_new_id() for _ in range(members)]
        cohort = an_accepted_cohort(
            cohort_id=CohortId(ids[0]),
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
        await self.say(cohort_accepted_to_wire(cohort), REQUESTS, cohort.cohort_id)
        return cohort

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


@pytest.fixture(scope="module")
async def neighbours() -> AsyncIterator[Neighbours]:
    async with Neighbours() as running:
        yield running


@pytest.fixture(scope="module")
async def service(
    stack: Stack, neighbours: Neighbours, kafka: KafkaConnection, registry: Registry
) -> AsyncIterator[_Service]:
    """Fanout, running in this loop."""
    async with _running(stack, neighbours, kafka, registry) as running:
        yield running


@asynccontextmanager
async def _running(
    stack: Stack, neighbours: Neighbours, kafka: KafkaConnection, registry: Registry
) -> AsyncIterator[_Service]:
    environment = _environment(stack, neighbours, DSR_REMINDER_AFTER_SECONDS="2")
    fields = {name.removeprefix("DSR_").lower(): value for name, value in environment.items()}
    settings = FanoutSettings(**fields)  # type: ignore[arg-type]  # as the environment gives them
    for group, topic in ((REQUESTS_GROUP, REQUESTS), (LIFECYCLE_GROUP, LIFECYCLE)):
        await begin_at_the_end(kafka, group, [topic])
    process = Process()
    await start(settings, process)
    sender = Publisher(kafka, client_id="test-intake")
    await sender.start()
    temporal = await Client.connect(stack.temporal_address)
    url = f"http://{settings.http_host}:{settings.http_port}"
    service = _Service(neighbours, sender, kafka, temporal, registry, url)
    try:
        await eventually(lambda: _is_ready(url), within=30)
        yield service
    finally:
        await sender.stop()
        process.stopping.set()
        assert await process.wait() == 0


async def _is_ready(url: str) -> bool:
    try:
        async with aiohttp.request("GET", f"{url}/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def test_cohort_goes_from_accepted_to_its_end(service: _Service) -> None:
    cohort = await service.accept(members=3)
    systems = plan(service.registry, Right.DELETION, _SCOPE)
    groups = by_organisation(systems)
    topics = [notice_topic(Right.DELETION, one) for one in groups]
    seals = service.neighbours.calls["seal"]
    await eventually(lambda: service.neighbours.calls["seal"] > seals)

    async def notices() -> list[ConsumerRecord]:
        records = await service.records(*topics)
        mine = [one for one in records if one.key == cohort.cohort_id.encode()]
        return mine if len(mine) == len(groups) else []

    found = await eventually(notices)
    for record in found:
        notice = decode(record.value, record.headers, notices_pb2.Notice)
        assert {one.system_id for one in notice.systems} == {
            one.id for one in groups[notice.organisation_id]
        }
        assert {i.request_id for one in notice.systems for i in one.identities} == set(
            cohort.request_ids
        )
    opened = [
        decode(one.value, one.headers, obligations_pb2.ObligationsOpened)
        for one in await service.records(OBLIGATIONS)
        if header(one.headers, "ce_id") == f"{cohort.cohort_id}/opened"
    ]
    assert [one.expected_systems for one in opened] == [len(systems)]

    await service.answer(cohort)
    await eventually(lambda: service.ended(cohort))


async def test_reminder_asks_the_ledger_and_goes_to_the_missing(service: _Service) -> None:
    systems = plan(service.registry, Right.DELETION, _SCOPE)
    cohort = await service.accept(members=2)
    slow = systems[0]
    service.neighbours.missing[cohort.cohort_id] = {slow.id: [cohort.request_ids[1]]}
    topic = notice_topic(Right.DELETION, slow.organisation_id)

    async def reminders() -> list[notices_pb2.Notice]:
        notices = [
            decode(one.value, one.headers, notices_pb2.Notice)
            for one in await service.records(topic)
            if one.key == cohort.cohort_id.encode()
        ]
        return [one for one in notices if one.reminder == 1]

    (reminder,) = await eventually(reminders)
    assert [one.system_id for one in reminder.systems] == [slow.id]
    assert [one.request_id for one in reminder.systems[0].identities] == [cohort.request_ids[1]]
    await service.answer(cohort)
    await eventually(lambda: service.ended(cohort))


async def test_intake_away_and_back(service: _Service) -> None:
    service.neighbours.is_away = True
    cohort = await service.accept()
    failures = 'dsr_fanout_activity_failures_total{activity="notify",reason="unavailable"}'

    async def counted() -> bool:
        return await service.metric(failures) >= 3

    await eventually(counted)
    assert await service.status(cohort) is WorkflowExecutionStatus.RUNNING
    service.neighbours.is_away = False
    seals = service.neighbours.calls["seal"]
    await eventually(lambda: service.neighbours.calls["seal"] > seals, within=30)
    await service.answer(cohort)
    await eventually(lambda: service.ended(cohort))


async def test_malformed_record_is_dead_lettered_and_the_stream_goes_on(service: _Service) -> None:
    await service.sender.publish([Outgoing(REQUESTS.name, b"marker", b"\xff", ())])
    cohort = await service.accept()

    async def buried() -> list[ConsumerRecord]:
        records = await service.records(dead_letter(REQUESTS))
        return [one for one in records if one.key == b"marker"]

    (letter,) = await eventually(buried)
    assert header(letter.headers, "dsr_dead_letter_reason") == "no_envelope"
    assert header(letter.headers, "dsr_dead_letter_refused_by") == "dsr.fanout.requests"

    async def started() -> bool:
        return await service.metric("dsr_fanout_cohorts_total") >= 1

    await eventually(started)
    await service.answer(cohort)
    await eventually(lambda: service.ended(cohort))


async def test_record_delivered_twice_starts_one_workflow(service: _Service) -> None:
    cohort = await service.accept()
    await service.say(cohort_accepted_to_wire(cohort), REQUESTS, cohort.cohort_id)
    await service.answer(cohort)
    await eventually(lambda: service.ended(cohort))
    opened = [
        one
        for one in await service.records(OBLIGATIONS)
        if header(one.headers, "ce_id") == f"{cohort.cohort_id}/opened"
    ]
    assert len(opened) == 1


async def test_process_starts_stops_within_its_grace_and_says_what_is_missing(
    stack: Stack, neighbours: Neighbours, registry: Registry
) -> None:
    del registry
    environment = {**os.environ, **_environment(stack, neighbours)}
    url = f"http://127.0.0.1:{environment['DSR_HTTP_PORT']}"
    command = [sys.executable, "-m", "dsr_fanout"]
    process = subprocess.Popen(command, env=environment)  # noqa: ASYNC220 - starting is quick
    try:
        await eventually(lambda: _is_ready(url), within=60)
        process.send_signal(signal.SIGTERM)
        code = await eventually(lambda: [process.returncode] if process.poll() is not None else [])
        assert code == [0]
    finally:
        process.kill()

    for name in [one for one in environment if one.startswith("DSR_")]:
        del environment[name]
    bare = subprocess.run(  # noqa: ASYNC221 - ends at once
        command, env=environment, capture_output=True, text=True, check=False
    )
    assert bare.returncode == 78
    assert "DSR_INTAKE_URL" in bare.stderr


def _new_id() -> str:
    return uuid7(int(datetime.now(UTC).timestamp() * 1000), os.urandom(10))
