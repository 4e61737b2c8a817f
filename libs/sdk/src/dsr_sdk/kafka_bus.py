"""The bus over Kafka. Imported when a subscriber starts, since the client takes time to load."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    ProducerClosed,
    RebalanceInProgressError,
    TopicAuthorizationFailedError,
)
from aiokafka.helpers import create_ssl_context

from dsr_core.errors import Unavailable
from dsr_sdk.bus import Record
from dsr_sdk.connection import KafkaConnection
from dsr_wire.envelope import Outgoing

__all__ = ["KafkaBus", "client_arguments"]

_LOG = logging.getLogger("dsr_sdk")

_IDLE_FETCH_MS = 2_000
"""How long an idle fetch waits at the broker. The client has one fetch under way per broker, so a
partition that was left out of it waits as long: this bounds that delay, and the cost of idling."""

_SESSION_MS = 10_000
"""After how long a killed subscriber's partitions go to its successor."""

_LONGEST_HANDLING_MS = 3_600_000
"""How long a poll may be in hand before Kafka gives its partitions away."""

_REQUEST_MS = 15_000
_FETCH_BYTES = 8 * 1024 * 1024
_STOP_SECONDS = 5.0


class KafkaBus:
    """One member of one consumer group, and one idempotent producer."""

    def __init__(self, connection: KafkaConnection, *, client_id: str) -> None:
        self._connection = connection
        self._client_id = client_id
        self._consumer: AIOKafkaConsumer | None = None
        self._producer: AIOKafkaProducer | None = None

    async def start(self, topics: Sequence[str], group_id: str) -> None:
        """Connect, join the group and wait for partitions, as the port says."""
        common = client_arguments(self._connection, self._client_id)
        consumer = self._consumer = AIOKafkaConsumer(
            *topics,
            **common,
            group_id=group_id,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=_IDLE_FETCH_MS,
            fetch_max_bytes=_FETCH_BYTES,
            consumer_timeout_ms=_IDLE_FETCH_MS,
            session_timeout_ms=_SESSION_MS,
            max_poll_interval_ms=_LONGEST_HANDLING_MS,
        )
        producer = self._producer = AIOKafkaProducer(
            **common, acks="all", enable_idempotence=True, linger_ms=0
        )
        try:
            await producer.start()
            await consumer.start()
        except (KafkaError, OSError) as error:
            raise _unavailable("cannot connect to Kafka", error) from error
        for topic in topics:
            if not consumer.partitions_for_topic(topic):
                raise Unavailable(f"Kafka has no topic {topic} yet")

    async def poll(self, *, timeout: float, limit: int) -> Sequence[Record]:  # noqa: ASYNC109 - see the port
        """Return the next records, as the port says."""
        if self._consumer is None:
            raise Unavailable("the bus is stopped")
        try:
            found = await self._consumer.getmany(timeout_ms=int(timeout * 1000), max_records=limit)
        except (KafkaError, ConsumerStoppedError) as error:
            raise _unavailable("cannot read from Kafka", error) from error
        return [
            Record(one.topic, one.partition, one.offset, one.key, one.value, one.headers)
            for records in found.values()
            for one in records
        ]

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Send and wait for the broker, as the port says."""
        producer = self._producer
        if producer is None:
            raise Unavailable("the bus is stopped")
        try:
            waiting = [
                await producer.send(one.topic, one.value, key=one.key, headers=list(one.headers))
                for one in records
            ]
            if waiting:
                await asyncio.gather(*waiting)
        except (KafkaError, ProducerClosed) as error:
            raise _unavailable("cannot send to Kafka", error) from error

    async def commit(self, records: Sequence[Record]) -> None:
        """Commit the offsets behind these records, as the port says."""
        if self._consumer is None:
            raise Unavailable("the bus is stopped")
        offsets: dict[TopicPartition, int] = {}
        for one in records:
            place = TopicPartition(one.topic, one.partition)
            offsets[place] = max(offsets.get(place, 0), one.offset + 1)
        try:
            await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError, RebalanceInProgressError):
            _LOG.info("the partitions have moved; what was answered is replayed where they went")
        except KafkaError as error:
            raise _unavailable("cannot commit to Kafka", error) from error

    async def stop(self) -> None:
        """Leave and disconnect, as the port says."""
        consumer, self._consumer = self._consumer, None
        producer, self._producer = self._producer, None
        clients = [client for client in (consumer, producer) if client is not None]
        if clients:
            stopping = [asyncio.ensure_future(client.stop()) for client in clients]
            _, still = await asyncio.wait(stopping, timeout=_STOP_SECONDS)
            for one in still:
                one.cancel()
            await asyncio.gather(*stopping, return_exceptions=True)


def client_arguments(connection: KafkaConnection, client_id: str) -> dict[str, Any]:
    """Return how a client reaches Kafka."""
    common: dict[str, Any] = {
        "bootstrap_servers": connection.bootstrap,
        "client_id": client_id,
        "security_protocol": connection.security_protocol,
        "request_timeout_ms": _REQUEST_MS,
    }
    if connection.uses_sasl:
        common["sasl_mechanism"] = connection.mechanism
        common["sasl_plain_username"] = connection.username
        common["sasl_plain_password"] = connection.password
    if connection.uses_tls:
        ca_file = connection.ca_file
        common["ssl_context"] = create_ssl_context(cafile=str(ca_file) if ca_file else None)
    return common


def _unavailable(what: str, error: Exception) -> Unavailable:
    hint = ""
    if isinstance(error, TopicAuthorizationFailedError):
        hint = " (has the organisation's user been granted its topics?)"
    return Unavailable(f"{what}: {type(error).__name__}{hint}")
