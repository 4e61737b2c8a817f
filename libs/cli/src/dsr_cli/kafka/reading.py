"""Reading topics from their beginning to their present end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, TopicPartition

from dsr_cli.kafka.admin import KafkaAdmin
from dsr_wire.envelope import Headers

__all__ = ["Found", "records"]

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Found:
    """One record as it lies in Kafka."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: Headers


def records(admin: KafkaAdmin, wanted: Callable[[str], bool]) -> Iterator[Found]:
    """Yield every record of the topics whose names are wanted; none where there is no such topic.

    Raises:
        RuntimeError: Kafka does not answer, or refuses.
    """
    consumer = admin.consumer()
    try:
        found = consumer.list_topics(timeout=_TIMEOUT_S).topics
        partitions = [
            TopicPartition(name, partition, 0)
            for name in sorted(filter(wanted, found))
            for partition in found[name].partitions
        ]
        open_ends = {
            (one.topic, one.partition): end
            for one in partitions
            for start, end in [consumer.get_watermark_offsets(one, timeout=_TIMEOUT_S)]
            if end > start
        }
        consumer.assign([one for one in partitions if (one.topic, one.partition) in open_ends])
        while open_ends:
            message = consumer.poll(_TIMEOUT_S)
            if message is None:
                raise RuntimeError("Kafka does not answer")
            place = (str(message.topic()), int(message.partition() or 0))
            error = message.error()
            if error is not None:
                if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's only name
                    raise RuntimeError(error.str())
                open_ends.pop(place, None)
                continue
            if place not in open_ends:
                continue
            offset = int(message.offset() or 0)
            headers = _headers(message.headers() or ())
            yield Found(*place, offset, message.key() or b"", message.value(), headers)
            if offset + 1 >= open_ends[place]:
                del open_ends[place]
    finally:
        consumer.close()


def _headers(found: Iterable[Any]) -> Headers:
    return tuple((str(name), bytes(data or b"")) for name, data in found)
