"""A compacted topic, read whole and then followed: how a process holds reference data in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from dsr_core.errors import RejectedInput
from dsr_runtime.backoff import Backoff
from dsr_runtime.giving_up import unless
from dsr_runtime.kafka import KafkaConnection, started

__all__ = ["CompactedTopic"]

log = structlog.get_logger(__name__)

_IDLE_MS = 5_000
"""How long a read waits at the broker for a record; one that comes ends it at once."""


class CompactedTopic:
    """Reads one topic of one partition from its beginning, and goes on following it.

    A record that the handler rejects is logged and passed over: what was there before stays in force,
    and whoever wrote it is not among those who read it.

    Args:
        connection: Where Kafka is.
        topic: Its name.
        handle: Takes in one record; what it raises but RejectedInput ends `run`.
        rejected: Told the reason of each record that is passed over, to count it.
        last: How many of the last offsets are enough, where not all records are wanted.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        handle: Callable[[ConsumerRecord], None],
        *,
        rejected: Callable[[str], None],
        last: int | None = None,
    ) -> None:
        self._connection = connection
        self._partition = TopicPartition(topic, 0)
        self._handle = handle
        self._rejected = rejected
        self._last = last
        self._stopping = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Read and follow until `stop`, starting over when Kafka was away."""
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                await unless(self._stopping, self._follow())
            except (KafkaError, OSError) as error:
                log.warning("kafka is away", topic=self._partition.topic, error=str(error))
                await backoff.wait(self._stopping)

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    async def caught_up(self) -> None:
        """Return when everything that was there at the start has been read."""
        await self._caught_up.wait()

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a condition on what has been read holds; false when the time has run out."""
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(condition), timeout_s)
            except TimeoutError:
                return False
            return True

    async def ping(self) -> None:
        """Return when the topic has been read whole once.

        Raises:
            RuntimeError: It has not.
        """
        if not self._caught_up.is_set():
            raise RuntimeError(f"{self._partition.topic} is not read yet")

    async def _follow(self) -> None:
        consumer: AIOKafkaConsumer = await started(self._new_consumer, part=self._partition.topic)
        try:
            # Asked first: a read that waits at the broker would hold these questions up behind it.
            begin = (await consumer.beginning_offsets([self._partition]))[self._partition]
            end = (await consumer.end_offsets([self._partition]))[self._partition]
            consumer.assign([self._partition])
            consumer.seek(
                self._partition, begin if self._last is None else max(begin, end - self._last)
            )
            while True:
                if await consumer.position(self._partition) >= end:
                    self._caught_up.set()
                batches = await consumer.getmany(timeout_ms=_IDLE_MS)
                for record in batches.get(self._partition, ()):
                    self._take(record)
                if batches:
                    async with self._changed:
                        self._changed.notify_all()
        finally:
            await consumer.stop()

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._connection.arguments(),
            enable_auto_commit=False,
            fetch_max_wait_ms=_IDLE_MS,
            consumer_timeout_ms=_IDLE_MS,
        )

    def _take(self, record: ConsumerRecord) -> None:
        try:
            self._handle(record)
        except RejectedInput as fault:
            self._rejected(fault.reason)
            log.warning(
                "a record is refused",
                topic=self._partition.topic,
                offset=record.offset,
                reason=fault.reason,
            )
