"""The whole service against the real Kafka and Temporal; intake and the verifier are small servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from aiokafka import ConsumerRecord
from integration.fanout.neighbours import Neighbours
from integration.fanout.running import SCOPE, Service, is_ready, running, settings_of
from temporalio.client import WorkflowExecutionStatus

from dsr_cli.stack import Stack
from dsr_contracts.v1 import notices_pb2, obligations_pb2
from dsr_core.plan import plan
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.codec.requests import cohort_accepted_to_wire
from dsr_wire.envelope import Outgoing, decode, header
from dsr_wire.topics import OBLIGATIONS, REQUESTS, dead_letter, notice_topic
from support.builders import NOW
from support.waiting import eventually


@pytest.fixture(scope="module")
async def neighbours() -> AsyncIterator[Neighbours]:
    async with Neighbours() as running:
        yield running


@pytest.fixture(scope="module")
async def service(
    stack: Stack, neighbours: Neighbours, kafka: KafkaConnection, registry: Registry
) -> AsyncIterator[Service]:
    """Fanout, running in this loop."""
    async with running(stack, neighbours, kafka, registry) as service:
        yield service


async def test_cohort_goes_from_accepted_to_its_end(service: Service) -> None:
    systems = plan(service.registry, Right.DELETION, SCOPE, received_at=NOW)
    cohort = service.a_cohort(members=3)
    missing = {one.id: list(cohort.request_ids) for one in systems}
    service.neighbours.missing[cohort.cohort_id] = dict(missing)
    await service.say(cohort_accepted_to_wire(cohort), REQUESTS, cohort.cohort_id)
    topics = {
        one.organisation_id: notice_topic(Right.DELETION, one.organisation_id) for one in systems
    }

    async def first_told() -> set[tuple[str, str, str]]:
        told = set()
        for record in await service.records(*topics.values()):
            if record.key == cohort.cohort_id.encode():
                notice = decode(record.value, record.headers, notices_pb2.Notice)
                told |= {
                    (record.topic, system.system_id, identity.request_id)
                    for system in notice.systems
                    for identity in system.identities
                    if notice.reminder == 0
                }
        return told

    everyone = {
        (topics[one.organisation_id].name, one.id, request_id)
        for one in systems
        for request_id in cohort.request_ids
    }

    async def all_are_told() -> bool:
        return await first_told() == everyone

    await eventually(all_are_told)
    opened = [
        decode(one.value, one.headers, obligations_pb2.ObligationsOpened)
        for one in await service.records(OBLIGATIONS)
        if header(one.headers, "ce_id") == f"{cohort.cohort_id}/opened"
    ]
    assert [one.expected_systems for one in opened] == [len(systems)]

    await service.answer(cohort)
    await eventually(lambda: service.ended(cohort))


async def test_reminder_asks_the_ledger_and_goes_to_the_missing(service: Service) -> None:
    systems = plan(service.registry, Right.DELETION, SCOPE, received_at=NOW)
    cohort = await service.accept(members=2)
    slow = next(one for one in systems if one.copies_from)  # asked first, so it can be late
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


async def test_intake_away_and_back(service: Service) -> None:
    calls = service.neighbours.calls
    service.neighbours.is_away = True
    try:
        cohort = await service.accept()
        seals = ("seal", cohort.cohort_id)
        await eventually(lambda: calls[seals] >= 3, within=30)
        failures = 'dsr_fanout_activity_failures_total{activity="notify",reason="unavailable"}'

        async def counted() -> bool:
            return await service.metric(failures) >= 3

        await eventually(counted, within=30)
        assert await service.status(cohort) is WorkflowExecutionStatus.RUNNING
    finally:
        service.neighbours.is_away = False
    asked = calls[seals]
    await eventually(lambda: calls[seals] > asked, within=30)
    await service.answer(cohort)
    await eventually(lambda: service.ended(cohort))


async def test_malformed_record_is_dead_lettered_and_the_stream_goes_on(service: Service) -> None:
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


async def test_record_delivered_twice_starts_one_workflow(service: Service) -> None:
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
    environment = {**os.environ, **settings_of(stack, neighbours)}
    url = f"http://127.0.0.1:{environment['DSR_HTTP_PORT']}"
    command = [sys.executable, "-m", "dsr_fanout"]
    process = subprocess.Popen(command, env=environment)  # noqa: ASYNC220 - starting is quick
    try:
        await eventually(lambda: is_ready(url), within=60)
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
