from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from aiokafka.errors import KafkaError

from dsr_runtime.kafka import KafkaConnection, Publisher, Sendable
from dsr_runtime.outbox import OutboxRelay, ddl, enqueue
from dsr_runtime.records import Record
from dsr_wire.envelope import header
from dsr_wire.topics import COMMANDS, REQUESTS
from support.builders import an_id
from support.intake import Intake, Topics
from support.submissions import a_submission
from support.waiting import eventually

BASE = "/v1/subject-requests"


async def test_request_accepted_is_published_with_its_trace(intake: Intake, topics: Topics) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    one = await intake.http.post(BASE, json=a_submission(), headers={"traceparent": trace})
    request_id = one.json()["id"]
    (record,) = await topics.find(REQUESTS.name, {request_id}, 1)
    assert header(record.headers, "traceparent") == trace
    assert header(record.headers, "ce_id") == request_id


async def test_outbox_left_by_a_crash_is_published_in_order_by_two_relays(
    intake: Intake, publisher: Publisher, topics: Topics
) -> None:
    keys = [an_id(n) for n in range(5)]
    records = [
        Record(COMMANDS.name, key.encode(), str(n).encode(), (("ce_id", str(n).encode()),))
        for n in range(120)
        for key in keys
    ]
    for part in (records[:300], records[300:]):
        async with intake.pool.acquire() as connection, connection.transaction():
            await enqueue(connection, "intake", part)
    relays = [OutboxRelay(intake.pool, "intake", publisher) for _ in range(2)]
    running = [asyncio.create_task(relay.run()) for relay in relays]

    async def is_empty() -> bool:
        return await intake.pool.fetchval("select count(*) from intake.outbox") == 0

    await eventually(is_empty)
    for relay in relays:
        relay.stop()
    await asyncio.gather(*running)
    published = await topics.find(COMMANDS.name, set(keys), len(records))
    assert len(published) == len(records)
    for key in keys:
        values = [int(one.value) for one in published if one.key.decode() == key]
        assert values == list(range(120))


class HalfAway(Publisher):
    """A publisher whose topic `bad` has no leader while `is_away`, and which keeps what it sent."""

    def __init__(self) -> None:
        super().__init__(KafkaConnection(bootstrap="kafka.test:9092"), client_id="tests")
        self.is_away = True
        self.sent: list[tuple[str, bytes]] = []

    async def publish_each(self, records: Iterable[Sendable]) -> list[BaseException | None]:
        fault = KafkaError("no leader")
        outcomes: list[BaseException | None] = []
        for one in records:
            outcomes.append(fault if one.topic == "bad" and self.is_away else None)
            if outcomes[-1] is None:
                self.sent.append((one.topic, one.value))
        return outcomes


async def test_a_partition_that_takes_nothing_holds_up_no_other(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsr_runtime.outbox._ASIDE_S", 0.5)
    await intake.pool.execute("create schema half_away;" + ddl("half_away"))
    bad = [Record("bad", b"%d" % (n % 250), b"%d" % n) for n in range(500)]
    good = [Record("good", b"k", b"%d" % n) for n in range(10)]
    async with intake.pool.acquire() as connection, connection.transaction():
        await enqueue(connection, "half_away", [*bad, *good])
    publisher = HalfAway()
    relay = OutboxRelay(intake.pool, "half_away", publisher)
    running = asyncio.create_task(relay.run())
    try:
        await eventually(lambda: len(publisher.sent) >= len(good))
        assert publisher.sent == [("good", one.value) for one in good]
        publisher.is_away = False
        await eventually(lambda: len(publisher.sent) >= 510)
        for key in range(250):
            values = [int(value) for _, value in publisher.sent[10:] if int(value) % 250 == key]
            assert values == sorted(values)
    finally:
        relay.stop()
        await running
    assert await intake.pool.fetchval("select count(*) from half_away.outbox") == 0
    await relay.ping()
