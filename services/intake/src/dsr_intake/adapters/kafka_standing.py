"""Kafka: how far consumer groups are, and what they refused; asked as the login that intake has."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from dsr_core.errors import Unavailable
from dsr_intake.model.console import DeadLetter, DeadLetters, GroupLag
from dsr_runtime.kafka import KafkaConnection
from dsr_runtime.kafka_headers import tolerate_header_names
from dsr_wire.dead_letters import HEADER_PREFIX
from dsr_wire.envelope import Headers, header
from dsr_wire.topics import is_dead_letter, is_notice, origin_of

__all__ = ["KafkaConsole"]

_PATIENCE_S = 5.0
_AT_ONCE = 16
"""Groups that are asked about side by side."""

_OURS = "dsr."
_NEVER = datetime.min.replace(tzinfo=UTC)


class KafkaConsole:
    """Looks into Kafka; the port's text says what holds. Connected only while it looks."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection

    async def lags(self) -> list[GroupLag]:
        """Return what each group has not committed."""
        async with _patient():
            async with self._admin() as admin:
                committed = await _committed(admin)
            places = {place for offsets in committed.values() for place in offsets}
            ends: Mapping[TopicPartition, int] = {}
            if places:
                async with self._consumer({one.topic for one in places}) as consumer:
                    ends = await consumer.end_offsets(list(places))
        lags: defaultdict[tuple[str, str], int] = defaultdict(int)
        for group, offsets in committed.items():
            for place, offset in offsets.items():
                lags[group, place.topic] += max(ends.get(place, offset) - offset, 0)
        return [GroupLag(group, topic, count) for (group, topic), count in sorted(lags.items())]

    async def dead_letters(self, limit: int) -> DeadLetters:
        """Return how many dead letters there are, and the newest of each topic."""
        async with _patient():
            async with self._admin() as admin:
                topics = {one for one in await admin.list_topics() if _is_ours(one)}
            if not topics:
                return DeadLetters({}, ())
            async with self._consumer(topics) as consumer:
                places = list(consumer.assignment())
                begins = await consumer.beginning_offsets(places)
                ends = await consumer.end_offsets(places)
                filled = {one: ends[one] for one in places if ends[one] > begins[one]}
                starts = {one: max(begins[one], end - limit) for one, end in filled.items()}
                found = await _read(consumer, starts, filled) if filled else []
        counts: defaultdict[str, int] = defaultdict(int)
        for one, end in filled.items():
            counts[origin_of(one.topic)] += end - begins[one]
        letters = [_letter(one) for one in found]
        letters.sort(key=lambda one: one.refused_at or _NEVER, reverse=True)
        return DeadLetters(dict(sorted(counts.items())), tuple(letters))

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**self._connection.arguments(), client_id="console")
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()

    @asynccontextmanager
    async def _consumer(self, topics: Iterable[str]) -> AsyncIterator[AIOKafkaConsumer]:
        """Give a consumer of no group that knows where these topics are."""
        tolerate_header_names()
        consumer = AIOKafkaConsumer(
            *sorted(topics),
            **self._connection.arguments(),
            client_id="console",
            enable_auto_commit=False,
        )
        try:
            await consumer.start()
            yield consumer
        finally:
            await consumer.stop()


@asynccontextmanager
async def _patient() -> AsyncIterator[None]:
    """Take faults of Kafka, and an answer that does not come in time, as that it is away."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            yield
    except (KafkaError, OSError) as error:  # a time-out is an OSError
        raise Unavailable(f"kafka does not answer: {type(error).__name__}") from error


async def _committed(admin: AIOKafkaAdminClient) -> dict[str, dict[TopicPartition, int]]:
    """Return what each group of ours has committed."""
    groups = sorted(
        {name for name, _ in await admin.list_consumer_groups() if name.startswith(_OURS)}
    )
    room = asyncio.Semaphore(_AT_ONCE)

    async def of(group: str) -> dict[TopicPartition, int]:
        async with room:
            offsets = await admin.list_consumer_group_offsets(group)
        return {place: one.offset for place, one in offsets.items() if one.offset >= 0}

    found = await asyncio.gather(*(of(one) for one in groups))
    return {group: offsets for group, offsets in zip(groups, found, strict=True) if offsets}


async def _read(
    consumer: AIOKafkaConsumer,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> list[ConsumerRecord[bytes, bytes]]:
    consumer.pause(*(consumer.assignment() - starts.keys()))
    for place, start in starts.items():
        consumer.seek(place, start)
    found: list[ConsumerRecord[bytes, bytes]] = []
    left = set(starts)
    while left:
        for place, records in (await consumer.getmany(*left, timeout_ms=500)).items():
            found += [one for one in records if one.offset < ends[place]]
        left = {one for one in left if await consumer.position(one) < ends[one]}
    return found


def _is_ours(topic: str) -> bool:
    return topic.startswith(_OURS) and is_dead_letter(topic)


def _letter(record: ConsumerRecord[bytes, bytes]) -> DeadLetter:
    topic = origin_of(record.topic)
    headers: Headers = tuple(record.headers)

    def said(name: str) -> str:
        return header(headers, f"{HEADER_PREFIX}{name}") or ""

    return DeadLetter(
        topic=topic,
        place=f"{record.topic}/{record.partition}/{record.offset}",
        reason=_code(said("reason")),
        # What an organisation wrote of a notice may say anything; what the services write says no value.
        detail="" if is_notice(topic) else said("detail"),
        refused_by=said("refused_by")[:100],
        refused_at=_moment(said("refused_at")),
        size=len(record.value or b""),
    )


def _code(text: str) -> str:
    return (
        text if text.isascii() and text.replace("_", "").isalnum() and len(text) <= 60 else "other"
    )


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
