"""Reading topics from their beginning to their present end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import methodcaller
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from dsr_cli.errors import CommandError
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.waiting import wait_until
from dsr_wire.envelope import Headers

__all__ = ["Found", "records"]

_TIMEOUT_S = 10.0
_WITHOUT_LEADER = {
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.FENCED_LEADER_EPOCH,
}
"""What a broker says of a partition that it is about to lead, right after its start."""

_HEADERS_OF = methodcaller("headers")
"""Called from C, since the library returns with an exception set, which plain code may pass by."""


@dataclass(frozen=True, slots=True)
class Found:
    """One record as it lies in Kafka."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: Headers


def records(
    admin: KafkaAdmin, wanted: Callable[[str], bool], *, since: datetime | None = None
) -> Iterator[Found]:
    """Yield every record of the topics whose names are wanted; none where there is no such topic.

    Args:
        admin: As whom.
        wanted: Tells by a topic's name.
        since: Where given, the records from the first of each partition that is not older.

    Raises:
        CommandError: Kafka does not answer, or refuses.
    """
    consumer = admin.consumer()
    try:
        found = consumer.list_topics(timeout=_TIMEOUT_S).topics
        at = int(since.timestamp() * 1000) if since else 0
        partitions = [
            TopicPartition(name, partition, at)
            for name in sorted(filter(wanted, found))
            for partition in found[name].partitions
        ]
        if since is not None and partitions:
            partitions = consumer.offsets_for_times(partitions, timeout=_TIMEOUT_S)
        open_ends = {
            (one.topic, one.partition): end
            for one in partitions
            for start, end in [_ends(consumer, one)]
            # A negative one is the end: nothing there is as young.
            if end > max(start, one.offset) and one.offset >= 0
        }
        consumer.assign([one for one in partitions if (one.topic, one.partition) in open_ends])
        while open_ends:
            message = consumer.poll(_TIMEOUT_S)
            if message is None:
                raise CommandError("Kafka does not answer")
            place = (str(message.topic()), int(message.partition() or 0))
            error = message.error()
            if error is not None:
                if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's only name
                    raise CommandError(f"cannot read {place[0]}: {error.str()}")
                open_ends.pop(place, None)
                continue
            if place not in open_ends:
                continue
            offset = int(message.offset() or 0)
            yield Found(*place, offset, message.key() or b"", message.value(), _headers(message))
            if offset + 1 >= open_ends[place]:
                del open_ends[place]
    except KafkaException as error:
        raise CommandError(f"cannot read from Kafka: {error.args[0].str()}") from error
    finally:
        consumer.close()


def _ends(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """Return a partition's first offset and the one after its last, once it has a leader."""
    found: list[tuple[int, int]] = []

    def has_a_leader() -> bool:
        try:
            found.append(consumer.get_watermark_offsets(partition, timeout=_TIMEOUT_S))
        except KafkaException as error:
            if error.args[0].code() not in _WITHOUT_LEADER:
                raise
            return False
        return True

    if not wait_until(has_a_leader, timeout=_TIMEOUT_S):
        raise CommandError(f"partition {partition.partition} of {partition.topic} has no leader")
    return found[0]


def _headers(message: Message) -> Headers:
    """Return a record's headers; none where a name is not UTF-8, which the library cannot tell."""
    try:
        found: Any = _HEADERS_OF(message)
    except (UnicodeDecodeError, SystemError):
        return ()
    return tuple((str(name), bytes(data or b"")) for name, data in found or ())
