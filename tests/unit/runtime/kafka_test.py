"""The record loop and the publisher, on hand-written clients that fail as aiokafka's do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
)
from structlog.testing import capture_logs

from dsr_core.errors import Unavailable
from dsr_runtime.kafka import KafkaConnection, Publisher, RecordLoop, started
from dsr_runtime.records import Record

NOWHERE = KafkaConnection(bootstrap="kafka.test:9092")


class FakeConsumer:
    """Hands out batches, then calls what stops the loop; writes down what it was asked."""

    def __init__(self, batches: Sequence[Sequence[str]], *, then: Callable[[], None]) -> None:
        self._batches = list(batches)
        self._then = then
        self.commits = 0
        self.commit_faults: list[KafkaError] = []
        self.calls: list[str] = []

    async def start(self) -> None:
        self.calls.append("start")

    async def stop(self) -> None:
        self.calls.append("stop")

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, Any]:
        assert timeout_ms
        assert max_records
        if not self._batches:
            self._then()
            return {}
        batch = self._batches.pop(0)
        return {
            TopicPartition("t", n): [Record("t", b"", value.encode())]
            for n, value in enumerate(batch)
        }

    async def commit(self) -> None:
        self.calls.append("commit")
        if self.commit_faults:
            raise self.commit_faults.pop(0)
        self.commits += 1


def joined(records: Sequence[Record]) -> str:
    return "+".join(one.value.decode() for one in records)


class Loop(RecordLoop):
    """The record loop on a fake consumer."""

    def __init__(
        self, batches: Sequence[Sequence[str]], handle: Callable[[Any], Awaitable[None]]
    ) -> None:
        super().__init__(NOWHERE, topics=["t"], group_id="g", handle=handle)
        self.consumer = FakeConsumer(batches, then=self.stop)

    def _new_consumer(self) -> Any:
        return self.consumer


async def test_a_batch_is_committed_after_it_was_handled() -> None:
    order: list[str] = []

    async def handle(records: Sequence[Any]) -> None:
        order.append(joined(records))
        assert loop.consumer.commits == len(order) - 1

    loop = Loop([["a", "b"], [], ["c"]], handle)
    await loop.run()
    assert order == ["a+b", "c"]
    assert loop.consumer.calls == ["start", "commit", "commit", "stop"]


async def test_a_batch_that_failed_is_given_again_whole_and_nothing_is_skipped() -> None:
    given: list[str] = []
    seen: list[str | None] = []
    faults = [LookupError("first"), LookupError("second")]

    async def handle(records: Sequence[Any]) -> None:
        given.append(joined(records))
        seen.append(loop.fault)
        if faults:
            raise faults.pop()

    loop = Loop([["a", "b"], ["c"]], handle)
    await loop.run()
    assert given == ["a+b", "a+b", "a+b", "c"]
    assert seen == [None, *["g cannot go on: LookupError"] * 2, None]
    assert loop.consumer.commits == 2
    await loop.ping()


@pytest.mark.parametrize(
    ("fault", "level", "told"),
    [
        (Unavailable("the store is away"), "warning", "the store is away"),
        (KafkaConnectionError("x"), "warning", "KafkaConnectionError"),
        (ConnectionRefusedError("x"), "warning", "ConnectionRefusedError"),
        (LookupError("x"), "error", None),
    ],
)
async def test_a_part_that_is_away_is_logged_as_a_warning_without_a_traceback(
    fault: Exception, level: str, told: str | None
) -> None:
    faults = [fault]

    async def handle(_records: Sequence[Any]) -> None:
        if faults:
            raise faults.pop()

    with capture_logs() as logs:
        await Loop([["a"]], handle).run()
    (line,) = logs
    assert (line["log_level"], line.get("error")) == (level, told)
    assert bool(line.get("exc_info")) == (level == "error")


async def test_a_batch_that_cannot_be_handled_is_not_committed_when_the_loop_stops() -> None:
    async def handle(_records: Sequence[Any]) -> None:
        loop.stop()
        raise LookupError("for ever")

    loop = Loop([["a"]], handle)
    await loop.run()
    assert loop.consumer.calls == ["start", "stop"]
    with pytest.raises(RuntimeError, match="g cannot go on: LookupError"):
        await loop.ping()


async def test_a_loop_that_is_asked_to_stop_finishes_the_batch_in_hand() -> None:
    async def handle(_records: Sequence[Any]) -> None:
        loop.stop()

    loop = Loop([["a"], ["b"]], handle)
    await loop.run()
    assert loop.consumer.calls == ["start", "commit", "stop"]


@pytest.mark.parametrize("fault", [CommitFailedError(), KafkaConnectionError()])
async def test_a_commit_that_failed_ends_nothing(fault: KafkaError) -> None:
    async def handle(_records: Sequence[Any]) -> None:
        """Take it."""

    loop = Loop([["a"], ["b"]], handle)
    loop.consumer.commit_faults = [fault]
    await loop.run()
    assert loop.consumer.commits == 1


async def test_a_cancelled_handler_leaves_the_consumer_and_commits_nothing() -> None:
    entered = asyncio.Event()

    async def handle(_records: Sequence[Any]) -> None:
        entered.set()
        await asyncio.Event().wait()

    loop = Loop([["a"]], handle)
    running = asyncio.create_task(loop.run())
    await entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert loop.consumer.calls == ["start", "stop"]


async def test_a_loop_that_has_not_started_is_not_ready() -> None:
    async def handle(_records: Sequence[Any]) -> None:
        """Take it."""

    with pytest.raises(RuntimeError, match="not started"):
        await Loop([], handle).ping()


@dataclass
class Client:
    """A client that cannot connect a number of times."""

    away: list[Exception] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def start(self) -> None:
        self.calls.append("start")
        if self.away:
            raise self.away.pop(0)

    async def stop(self) -> None:
        self.calls.append("stop")


async def test_a_client_waits_for_kafka_and_leaves_no_half_started_one_behind() -> None:
    client = Client([KafkaConnectionError(), ConnectionRefusedError()])
    assert await started(lambda: client, part="g") is client
    assert client.calls == ["start", "stop", "start", "stop", "start"]


class FakeProducer(Client):
    """Takes records, and answers each as told."""

    def __init__(self, answers: Sequence[Exception | None] = ()) -> None:
        super().__init__()
        self.sent: list[tuple[str, bytes, bytes, list[tuple[str, bytes]]]] = []
        self._answers = list(answers)
        self.client = self

    async def fetch_all_metadata(self) -> None:
        self.calls.append("ping")

    async def send(
        self, topic: str, value: bytes, *, key: bytes, headers: list[tuple[str, bytes]]
    ) -> asyncio.Future[None]:
        self.sent.append((topic, key, value, headers))
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        fault = self._answers.pop(0) if self._answers else None
        if fault is None:
            answer.set_result(None)
        else:
            answer.set_exception(fault)
        return answer


class PublisherOnAFake(Publisher):
    """The publisher on a fake producer."""

    def __init__(self, producer: FakeProducer) -> None:
        super().__init__(NOWHERE, client_id="intake")
        self.producer = producer

    def _new_producer(self) -> Any:
        return self.producer


RECORDS = [Record("t", b"k", b"%d" % number, (("ce_id", b"1"),)) for number in range(3)]


async def test_records_are_sent_in_order() -> None:
    publisher = PublisherOnAFake(FakeProducer())
    await publisher.start()
    await publisher.publish(RECORDS)
    assert [value for _, _, value, _ in publisher.producer.sent] == [b"0", b"1", b"2"]
    assert publisher.producer.sent[0] == ("t", b"k", b"0", [("ce_id", b"1")])
    await publisher.publish([])
    await publisher.stop()
    await publisher.stop()
    assert publisher.producer.calls == ["start", "stop"]


async def test_a_record_that_the_brokers_did_not_take_is_a_fault_of_the_whole() -> None:
    publisher = PublisherOnAFake(FakeProducer([None, KafkaConnectionError("first"), KafkaError()]))
    await publisher.start()
    with pytest.raises(KafkaConnectionError):
        await publisher.publish(RECORDS)


class Producers(Publisher):
    """A publisher that is given a new fake producer each time."""

    def __init__(self, *producers: Any, deadline_s: float = 60.0) -> None:
        super().__init__(NOWHERE, client_id="intake", deadline_s=deadline_s)
        self._producers = list(producers)

    def _new_producer(self) -> Any:
        return self._producers.pop(0)


async def test_a_producer_that_failed_to_send_is_replaced_before_the_next_records() -> None:
    first, second = FakeProducer([OutOfOrderSequenceNumber(), KafkaError()]), FakeProducer()
    publisher = Producers(first, second)
    await publisher.start()
    faults = await asyncio.gather(
        publisher.publish(RECORDS[:1]), publisher.publish(RECORDS[1:2]), return_exceptions=True
    )
    assert [type(one) for one in faults] == [OutOfOrderSequenceNumber, KafkaError]
    await publisher.ping()
    await asyncio.gather(publisher.publish(RECORDS), publisher.publish(RECORDS))
    assert first.calls == ["start", "stop"]
    assert second.calls == ["start", "ping"]
    assert len(second.sent) == 6
    await publisher.stop()
    with pytest.raises(RuntimeError, match="not started"):
        await publisher.publish(RECORDS)


async def test_a_producer_that_cannot_be_replaced_is_tried_again_by_the_next_call() -> None:
    away = FakeProducer()
    away.away = [KafkaConnectionError()]
    publisher = Producers(FakeProducer([KafkaError()]), away, FakeProducer())
    await publisher.start()
    with pytest.raises(KafkaError):
        await publisher.publish(RECORDS[:1])
    with pytest.raises(KafkaConnectionError):
        await publisher.publish(RECORDS)
    assert away.calls == ["start", "stop"]
    await publisher.publish(RECORDS)
    await publisher.stop()


async def test_a_record_that_is_too_large_costs_no_producer() -> None:
    only = FakeProducer([MessageSizeTooLargeError()])
    publisher = Producers(only)
    await publisher.start()
    with pytest.raises(MessageSizeTooLargeError):
        await publisher.publish(RECORDS[:1])
    await publisher.publish(RECORDS)
    assert only.calls == ["start"]
    await publisher.stop()


class StuckProducer(FakeProducer):
    """A producer that waits for one topic's metadata for ever."""

    async def send(
        self, topic: str, value: bytes, *, key: bytes, headers: list[tuple[str, bytes]]
    ) -> asyncio.Future[None]:
        if topic == "missing":
            await asyncio.Event().wait()
        return await super().send(topic, value, key=key, headers=headers)


async def test_a_topic_that_is_missing_holds_up_no_other_and_publishing_ends_in_time() -> None:
    stuck = StuckProducer()
    publisher = Producers(stuck, FakeProducer(), deadline_s=0.05)
    await publisher.start()
    outcomes = await publisher.publish_each([Record("missing", b"k", b""), *RECORDS])
    assert [type(one) for one in outcomes] == [KafkaTimeoutError, *[type(None)] * 3]
    assert [value for _, _, value, _ in stuck.sent] == [b"0", b"1", b"2"]
    await publisher.publish(RECORDS)
    await publisher.stop()


async def test_behind_a_record_that_failed_those_of_its_key_count_as_failed() -> None:
    fault = KafkaError()
    publisher = Producers(FakeProducer([None, fault, None, None]))
    await publisher.start()
    other = Record("t", b"other", b"")
    assert await publisher.publish_each([*RECORDS, other]) == [None, fault, fault, None]
    await publisher.stop()


async def test_a_publisher_that_is_not_started_says_so() -> None:
    publisher = PublisherOnAFake(FakeProducer())
    with pytest.raises(RuntimeError, match="not started"):
        await publisher.publish(RECORDS)
    with pytest.raises(RuntimeError, match="not connected"):
        await publisher.ping()


def test_a_connection_in_the_clear_has_no_credentials() -> None:
    assert KafkaConnection(bootstrap="b", username="u", password="p").arguments() == {
        "bootstrap_servers": "b",
        "security_protocol": "PLAINTEXT",
    }


def test_a_connection_logs_in_with_scram() -> None:
    arguments = KafkaConnection(
        bootstrap="b", security_protocol="SASL_SSL", username="u", password="p"
    ).arguments()
    assert arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("u", "p")
    assert arguments["ssl_context"].check_hostname


def test_a_connection_s_password_is_not_shown() -> None:
    assert "hidden" not in repr(KafkaConnection(bootstrap="b", password="hidden"))
