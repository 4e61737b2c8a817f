"""Kafka: connections, publishing that is durable when it returns, and a loop that loses no record."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import structlog
from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    ConsumerRecord,
)
from aiokafka.errors import (
    CommitFailedError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
)

from dsr_core.errors import Unavailable
from dsr_runtime.backoff import Backoff
from dsr_runtime.kafka_headers import tolerate_header_names
from dsr_runtime.pace import Pace

__all__ = ["BatchHandler", "KafkaConnection", "Publisher", "RecordLoop", "Sendable", "started"]

log = structlog.get_logger(__name__)

_DEADLINE_S = 60.0
"""Of one publishing. A record is given up by aiokafka after 30 s, a request to a broker as well."""

_RETIRE_S = 5.0

_IDLE_MS = 500
"""How long an idle read waits. A partition that is left out of it, since its records were in hand, waits as
long: a client has one read under way at each broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConnection:
    """How to reach Kafka, and as whom."""

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    instance_id: str | None = None
    """What this replica is called in its consumer groups, which it keeps when it is started again."""

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that every aiokafka client takes."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            arguments["sasl_mechanism"] = "SCRAM-SHA-512"
            arguments["sasl_plain_username"] = self.username
            arguments["sasl_plain_password"] = self.password
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
        return arguments


class Sendable(Protocol):
    """A record that is ready to be sent."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - the names are Kafka's
    @property
    def key(self) -> bytes: ...  # noqa: D102
    @property
    def value(self) -> bytes: ...  # noqa: D102
    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]: ...  # noqa: D102


async def started(
    client_factory: Callable[[], Any], *, part: str, unless: asyncio.Event | None = None
) -> Any:
    """Return a started aiokafka client, waiting for Kafka as long as it takes.

    Args:
        client_factory: Makes the client; asked again for each try.
        part: What waits, for the log.
        unless: Where this event is set while Kafka is away, none is returned.
    """
    tolerate_header_names()
    backoff = Backoff()
    while True:
        client = client_factory()
        is_started = False
        try:
            await client.start()
            is_started = True
        except (KafkaError, OSError) as error:
            log.warning("kafka is away", part=part, error=type(error).__name__)
        finally:
            if not is_started:
                await client.stop()
        if is_started:
            return client
        if await backoff.wait(unless):
            return None


class Publisher:
    """Sends records with idempotent producers; what `publish` returned from is on the brokers.

    A producer that has failed to send is replaced before the next call: aiokafka takes sequence
    numbers for batches that it gives up, and the brokers then refuse all that follows in that
    partition. Calls that are under way on it are left to end.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        client_id: str,
        linger_ms: int = 2,
        deadline_s: float = _DEADLINE_S,
    ) -> None:
        self._connection = connection
        self._client_id = client_id
        self._linger_ms = linger_ms
        self._deadline_s = deadline_s
        self._producer: AIOKafkaProducer | None = None
        self._is_started = False
        self._renewing = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect, waiting for Kafka as long as it takes."""
        self._producer = await started(self._new_producer, part=self._client_id)
        self._is_started = True

    async def stop(self) -> None:
        """Flush and disconnect; safe to repeat."""
        self._is_started = False
        async with self._renewing:
            producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=_RETIRE_S)

    async def publish(self, records: Iterable[Sendable]) -> None:
        """Send records and wait until the brokers have them all, for a bounded time.

        Records of one topic and key keep their order. When this raises, some may have been sent, and
        some may still be: sending all again is safe, since consumers deduplicate.

        Raises:
            KafkaError: Kafka did not take them in time.
            OSError: Kafka cannot be reached.
        """
        for fault in await self.publish_each(records):
            if fault is not None:
                raise fault

    async def publish_each(self, records: Iterable[Sendable]) -> list[BaseException | None]:
        """Send records, wait for a bounded time, and return what became of each.

        Returns:
            One outcome a record, in the order given: none where the brokers have it, else why they
            may not. Behind a record that failed, all later ones of its topic and key count as failed.
        """
        if not self._is_started:
            raise RuntimeError("the publisher is not started")
        outcomes: dict[int, BaseException | None] = {}
        chains: dict[tuple[str, bytes], list[tuple[int, Sendable]]] = {}
        count = 0
        for place, record in enumerate(records):
            chains.setdefault((record.topic, record.key), []).append((place, record))
            count += 1
        if not chains:
            return []
        producer: AIOKafkaProducer | None = None
        fault: Exception = KafkaTimeoutError(f"kafka took too long (over {self._deadline_s:g} s)")
        try:
            async with asyncio.timeout(self._deadline_s):
                producer = await self._usable()
                # One task a key: a topic without metadata, or a full partition, holds up no other.
                async with asyncio.TaskGroup() as sending:
                    for chain in chains.values():
                        sending.create_task(_send(producer, chain, outcomes))
        except TimeoutError:
            log.warning("kafka took too long", part=self._client_id)
        except (KafkaError, OSError) as error:  # no producer: what befalls a record is its outcome
            fault = error
        results = [outcomes.get(place, fault) for place in range(count)]
        if producer is not None and not all(map(_leaves_producer_sound, results)):
            self._retire(producer)
        return results

    async def ping(self) -> None:
        """Return when a broker has answered.

        Raises:
            KafkaError: None did.
        """
        if not self._is_started:
            raise RuntimeError("not connected yet")
        await (await self._usable()).client.fetch_all_metadata()

    async def _usable(self) -> AIOKafkaProducer:
        async with self._renewing:
            if self._producer is None:
                producer = self._new_producer()
                try:
                    await producer.start()
                    self._producer = producer
                finally:
                    if self._producer is None:
                        await producer.stop()
                log.info("kafka's producer is replaced", part=self._client_id)
            return self._producer

    def _retire(self, producer: AIOKafkaProducer) -> None:
        if self._producer is not producer:
            return  # another call has done it
        self._producer = None
        # Its end waits for what others have sent on it.
        task = asyncio.create_task(self._ended(producer))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _ended(self, producer: AIOKafkaProducer) -> None:
        try:
            await producer.stop()
        except Exception as error:  # noqa: BLE001 - it is of no use to anybody any more
            log.warning(
                "a producer did not close", part=self._client_id, error=type(error).__name__
            )

    def _new_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **self._connection.arguments(),
            client_id=self._client_id,
            enable_idempotence=True,
            linger_ms=self._linger_ms,
            max_batch_size=131_072,
            max_request_size=1_048_576,
            request_timeout_ms=30_000,
        )


async def _send(
    producer: AIOKafkaProducer,
    chain: Sequence[tuple[int, Sendable]],
    outcomes: dict[int, BaseException | None],
) -> None:
    """Send the records of one topic and key, in order, and write down what became of each."""
    sent: list[asyncio.Future[Any]] = []
    unsent: Exception | None = None
    for _, record in chain:
        try:
            sent.append(
                await producer.send(
                    record.topic, record.value or None, key=record.key, headers=list(record.headers)
                )
            )
        except Exception as error:  # noqa: BLE001 - it is that record's outcome
            unsent = error
            break
    results = await asyncio.gather(*sent, return_exceptions=True)
    fault: BaseException | None = None
    for n, (place, _) in enumerate(chain):
        result = results[n] if n < len(sent) else unsent
        fault = fault or (result if isinstance(result, BaseException) else None)
        outcomes[place] = fault


def _leaves_producer_sound(outcome: BaseException | None) -> bool:
    return outcome is None or isinstance(outcome, MessageSizeTooLargeError)


BatchHandler = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]
"""Handles records; when it returns, their effects are durable. It may be given the same ones again."""


_EXPECTED = (Unavailable, KafkaError, OSError)


def _told(error: Exception) -> str:
    """Return what a log may say: only our own words, since others may hold personal data."""
    return str(error) if isinstance(error, Unavailable) else type(error).__name__


class RecordLoop:
    """Reads records in batches, hands each batch to a handler, and commits after it returned.

    A handler that raises is asked again with the same batch, after a pause that grows: a record is
    never skipped here. Whatever can never succeed is the handler's to dead-letter.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        topics: Sequence[str],
        group_id: str,
        handle: BatchHandler,
        max_records: int = 500,
    ) -> None:
        self._connection = connection
        self._topics = topics
        self.group_id = group_id
        self._handle = handle
        self._max_records = max_records
        self._pace = Pace()
        self._stopping = asyncio.Event()
        self.fault: str | None = "not started"
        """Why the loop makes no progress; none while it does."""
        self.rebalances = 0
        """How often it was given its share of the group's partitions."""
        self._consumer: AIOKafkaConsumer | None = None

    async def run(self) -> None:
        """Read until `stop`; what is in hand then is finished and committed."""
        consumer: AIOKafkaConsumer | None = await started(
            self._new_consumer, part=self.group_id, unless=self._stopping
        )
        if consumer is None:
            return
        self._consumer = consumer
        self.fault = None
        try:
            while not self._stopping.is_set():
                batches = await consumer.getmany(timeout_ms=_IDLE_MS, max_records=self._max_records)
                records = [record for batch in batches.values() for record in batch]
                if records and await self._handled(records):
                    await self._commit(consumer)
                    await self._pace.rest(sum(len(one.value or b"") for one in records))
        finally:
            await consumer.stop()

    @property
    def partitions(self) -> int:
        """How many partitions it reads now."""
        return len(self._consumer.assignment()) if self._consumer is not None else 0

    def stop(self) -> None:
        """Ask the loop to end after the batch in hand."""
        self._stopping.set()

    async def ping(self) -> None:
        """Return when the loop makes progress.

        Raises:
            RuntimeError: It does not; the text says why.
        """
        if self.fault is not None:
            raise RuntimeError(self.fault)

    async def _handled(self, records: Sequence[ConsumerRecord]) -> bool:
        backoff = Backoff()
        while True:
            try:
                await self._handle(records)
            except Exception as error:
                self.fault = f"{self.group_id} cannot go on: {type(error).__name__}"
                if isinstance(error, _EXPECTED):
                    log.warning("a batch waits", group_id=self.group_id, error=_told(error))
                else:
                    log.exception("a batch failed and is tried again", group_id=self.group_id)
                if await backoff.wait(self._stopping):
                    return False
            else:
                self.fault = None
                return True

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        try:
            await consumer.commit()
        except CommitFailedError:
            # A rebalance took the partitions away; their new owner gets the records again.
            log.info("offsets not committed after a rebalance", group_id=self.group_id)
        except KafkaError as error:
            log.warning("offsets not committed", group_id=self.group_id, error=str(error))

    def _new_consumer(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            **self._connection.arguments(),
            group_id=self.group_id,
            group_instance_id=self._connection.instance_id,
            client_id=self.group_id,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_poll_interval_ms=600_000,
            fetch_max_wait_ms=_IDLE_MS,
            consumer_timeout_ms=_IDLE_MS,
            metadata_max_age_ms=60_000,
        )
        consumer.subscribe(self._topics, listener=_Counting(self))
        return consumer


class _Counting(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Counts each share that a loop is given."""

    def __init__(self, loop: RecordLoop) -> None:
        self._loop = loop

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Nothing: what is in hand is finished, and committed if there is time."""

    async def on_partitions_assigned(self, assigned: object) -> None:  # noqa: ARG002 - as it is called
        """Count it."""
        self._loop.rebalances += 1
