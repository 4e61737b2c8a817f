from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import pytest
from aiokafka.errors import KafkaError

from dsr_runtime.kafka import KafkaConnection, Publisher, Sendable
from dsr_runtime.outbox import _LOCK_SPACE, OutboxRelay, ddl, enqueue
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


async def test_what_waits_is_measured_with_the_age_of_the_oldest(intake: Intake) -> None:
    await intake.pool.execute("create schema waiting;" + ddl("waiting"))
    relay = OutboxRelay(intake.pool, "waiting", HalfAway())
    empty = await relay.backlog()
    assert (empty.records, empty.age_s) == (0, 0)
    async with intake.pool.acquire() as connection, connection.transaction():
        await enqueue(connection, "waiting", [Record("t", b"%d" % n, b"") for n in range(7)])
    await intake.pool.execute(
        "update waiting.outbox set created_at = now() - interval '90 seconds' where key = '3'"
    )
    seven = await relay.backlog()
    assert (seven.records, round(seven.age_s / 10)) == (7, 9)


async def test_a_backlog_is_shown_among_the_metrics(intake: Intake) -> None:
    async def shown() -> dict[str, float]:
        text = (await intake.http.get("/metrics")).text
        rows = [one.split() for one in text.splitlines() if one.startswith("dsr_intake_outbox_")]
        return {name.removeprefix("dsr_intake_outbox_"): float(value) for name, value in rows}

    async def is_seen() -> bool:
        found = await shown()
        return found["records"] == 1 and found["age_seconds"] > 0

    record = Record(COMMANDS.name, b"held back", b"")
    async with intake.pool.acquire() as connection, connection.transaction():
        # As another replica does while it publishes, so that the row stays.
        await connection.fetch(
            "select pg_advisory_xact_lock($1, hashtext('intake') # s) from generate_series(0, 15) s",
            _LOCK_SPACE,
        )
        async with intake.pool.acquire() as another:
            await enqueue(another, "intake", [record])
        await eventually(is_seen, within=30, what="the gauges tell of it")
    await eventually(lambda: _is_gone(intake, record), what="it is published in the end")


async def _is_gone(intake: Intake, record: Record) -> bool:
    found = await intake.pool.fetchval(
        "select count(*) from intake.outbox where key = $1", record.key
    )
    return bool(found == 0)


class Meeting(Publisher):
    """A publisher that takes its time, and knows how many relays were publishing at once."""

    def __init__(self) -> None:
        super().__init__(KafkaConnection(bootstrap="kafka.test:9092"), client_id="tests")
        self.inside = 0
        self.met = asyncio.Event()
        self.sent: list[Sendable] = []

    async def publish_each(self, records: Iterable[Sendable]) -> list[BaseException | None]:
        taken = list(records)
        self.inside += 1
        if self.inside == 2:
            self.met.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.met.wait(), 0.1)
        self.sent.extend(taken)
        self.inside -= 1
        return [None] * len(taken)


async def test_two_relays_publish_side_by_side_under_load_and_each_key_in_order(
    intake: Intake,
) -> None:
    """One that took every free slot for as long as it published left the other nothing to do."""
    await intake.pool.execute("create schema busy;" + ddl("busy"))
    records = [Record("t", b"%d" % (n % 300), b"%d" % n) for n in range(6000)]
    for start in range(0, len(records), 500):
        async with intake.pool.acquire() as connection, connection.transaction():
            await enqueue(connection, "busy", records[start : start + 500])
    publisher = Meeting()
    relays = [OutboxRelay(intake.pool, "busy", publisher) for _ in range(2)]
    running = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        await eventually(publisher.met.is_set, within=30, what="both are publishing")
        await eventually(lambda: len(publisher.sent) == len(records), within=30)
    finally:
        for relay in relays:
            relay.stop()
        await asyncio.gather(*running)
    for key in range(300):
        values = [int(one.value) for one in publisher.sent if int(one.key) == key]
        assert values == sorted(values)
