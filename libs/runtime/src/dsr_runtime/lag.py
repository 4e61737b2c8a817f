"""How far behind its topics a consumer group is: asked of Kafka, so that it is known while nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from dsr_runtime.giving_up import unless
from dsr_runtime.kafka import KafkaConnection, started

__all__ = ["Lag"]

log = structlog.get_logger(__name__)

_EVERY_S = 15.0


class Lag:
    """Counts now and then what groups have not committed yet, whoever has their partitions.

    Each count is two calls a group, however many records there are.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topics: Mapping[str, str],
        *,
        show: Callable[[str, int], object],
        every_s: float = _EVERY_S,
    ) -> None:
        """Take topics, each with the group that reads it.

        Args:
            connection: To Kafka, as a login that may read the topics in their groups.
            topics: The groups by their topics.
            show: Told of each topic how many records are not committed.
            every_s: How often.
        """
        self._connection = connection
        self._topics = topics
        self._show = show
        self._every_s = every_s
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Count until `stop`; what is asked then is given up."""
        await unless(self._stopping, self._count())

    async def _count(self) -> None:
        while True:
            async with AsyncExitStack() as clients:
                consumer = await started(self._new_consumer, part="lag")
                clients.push_async_callback(consumer.stop)
                groups = await started(self._new_admin, part="lag")
                clients.push_async_callback(groups.stop)
                await self._count_by(consumer, groups)
            await asyncio.sleep(self._every_s)

    async def _count_by(self, consumer: AIOKafkaConsumer, groups: _Admin) -> None:
        """Count until that fails: of an address that is gone clients keep their connection to it."""
        try:
            while True:
                for topic, lag in (await self._lags(consumer, groups)).items():
                    self._show(topic, lag)
                await asyncio.sleep(self._every_s)
        except (KafkaError, OSError) as error:
            log.warning("what is unread is counted later", error=type(error).__name__)

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    async def _lags(self, consumer: AIOKafkaConsumer, groups: _Admin) -> dict[str, int]:
        found = await groups.describe_topics(list(self._topics))
        partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in found
            for partition in topic["partitions"]
        ]
        ends = await consumer.end_offsets(partitions)
        committed: dict[TopicPartition, int] = {}
        for group in sorted(set(self._topics.values())):
            offsets = await groups.list_consumer_group_offsets(group)
            committed |= {
                place: known.offset
                for place, known in offsets.items()
                if self._topics.get(place.topic) == group and known.offset >= 0
            }
        new = [place for place in partitions if place not in committed]
        begins = await consumer.beginning_offsets(new) if new else {}
        lags = dict.fromkeys(self._topics, 0)
        for place, end in ends.items():
            # What is older than its retention is gone, read or not.
            lags[place.topic] += max(end - committed.get(place, begins.get(place, end)), 0)
        return lags

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(**self._connection.arguments(), client_id="lag")

    def _new_admin(self) -> _Admin:
        return _Admin(**self._connection.arguments(), client_id="lag")


class _Admin(AIOKafkaAdminClient):  # type: ignore[misc]  # the library has no types
    """An admin client that ends as the other clients do."""

    async def stop(self) -> None:
        await self.close()
