"""Dead letters: a refused record as it came, and headers that say who refused it, when, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from dsr_core.errors import RejectedInput
from dsr_wire.envelope import Headers, Outgoing
from dsr_wire.topics import dead_letter_name

__all__ = ["HEADER_PREFIX", "RefusedRecord", "bury", "bury_record", "exhume"]

HEADER_PREFIX = "dsr_dead_letter_"
"""What the names of the added headers begin with."""

_DETAIL_LIMIT = 500

_SIZE_LIMIT = 1_000_000
"""Bytes of a dead letter: what every broker and producer takes unless it is set otherwise. A refused
record can be larger, for it may have come packed."""


class RefusedRecord(Protocol):
    """A record as it came, by whatever client read it."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - the names are Kafka's
    @property
    def partition(self) -> int: ...  # noqa: D102 - see topic
    @property
    def offset(self) -> int: ...  # noqa: D102 - see topic
    @property
    def key(self) -> bytes | None: ...  # noqa: D102 - see topic
    @property
    def value(self) -> bytes | None: ...  # noqa: D102 - see topic
    @property
    def headers(self) -> Headers: ...  # noqa: D102 - see topic


def bury_record(
    record: RefusedRecord, *, fault: RejectedInput, refused_by: str, at: datetime
) -> Outgoing:
    """Make the dead letter of a record that a client read; see `bury`."""
    return bury(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        fault=fault,
        refused_by=refused_by,
        at=at,
    )


def bury(
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    fault: RejectedInput,
    refused_by: str,
    at: datetime,
) -> Outgoing:
    """Make the dead letter of a refused record. Burying the same record again makes the same letter.

    A record that is too large for a letter loses the end of its value, and its headers and the end of
    its key if these alone are too large: the letter says so, and where the original is. Otherwise it
    could never be buried, and would stop its stream for ever.
    """
    added = {
        "reason": fault.reason,
        "detail": fault.detail[:_DETAIL_LIMIT],
        "topic": topic,
        "partition": str(partition),
        "offset": str(offset),
        "refused_by": refused_by,
        "refused_at": at.astimezone(UTC).isoformat(),
    }
    kept = _without_reasons(headers)
    key, value = key or b"", value or b""
    room = _SIZE_LIMIT - len(key) - sum(len(name.encode()) + len(data) for name, data in kept)
    if room < len(value):
        added["truncated_from"] = str(len(value))
        if room < 0:
            key, kept, room = key[: _SIZE_LIMIT // 2], (), _SIZE_LIMIT // 2
        value = value[:room]
    reasons = tuple((f"{HEADER_PREFIX}{name}", text.encode()) for name, text in added.items())
    return Outgoing(dead_letter_name(topic), key, value, (*kept, *reasons))


def exhume(topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> Outgoing:
    """Make the original record again, to be sent to the topic that it came from.

    Raises:
        RejectedInput: The letter does not hold the whole of it.
    """
    if any(name == f"{HEADER_PREFIX}truncated_from" for name, _ in headers):
        detail = "the record was too large to be kept whole; have its sender send it again"
        raise RejectedInput("truncated", detail)
    return Outgoing(topic, key or b"", value or b"", _without_reasons(headers))


def _without_reasons(headers: Headers) -> tuple[tuple[str, bytes], ...]:
    return tuple(
        (name, data or b"") for name, data in headers if not name.startswith(HEADER_PREFIX)
    )
