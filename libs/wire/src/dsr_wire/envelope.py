"""Envelopes: CloudEvents' binary mode for Kafka around a protobuf message.

The headers name the event (`ce_id`), its type, who sent it and when, and carry `traceparent`. They
hold no personal data. A record whose envelope or value is wrong is refused with a reason code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from dsr_core import tracing
from dsr_core.errors import RejectedInput

__all__ = [
    "CONTENT_TYPE",
    "Headers",
    "Outgoing",
    "decode",
    "decode_one_of",
    "encode",
    "header",
    "trace_of",
]

Headers = Sequence[tuple[str, bytes | None]]
"""Kafka headers, in order; others' may be null."""

CONTENT_TYPE = "application/protobuf"

MessageT = TypeVar("MessageT", bound=Message)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record that is ready to be sent; sending it again sends the same event."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = field(default=())


def encode(
    message: Message,
    *,
    topic: str,
    key: str,
    event_id: str,
    source: str,
    at: datetime,
    traceparent: str | None = None,
) -> Outgoing:
    """Wrap a message.

    Args:
        message: What happened.
        topic: Where it goes.
        key: What orders it among its kind; never personal.
        event_id: The same for every sending of the same event; consumers deduplicate by it.
        source: The service or system that speaks.
        at: When the event happened.
        traceparent: The W3C trace that it belongs to; the one that the code is in unless given.
    """
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_type", message.DESCRIPTOR.full_name.encode()),
        ("ce_source", source.encode()),
        ("ce_time", at.astimezone(UTC).isoformat().encode()),
        ("content-type", CONTENT_TYPE.encode()),
    ]
    traceparent = traceparent or tracing.current()
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    value = message.SerializeToString(deterministic=True)
    return Outgoing(topic, key.encode(), value, tuple(headers))


def header(headers: Headers, name: str) -> str | None:
    """Return the last header of a name as text, or none where it is absent, null or not UTF-8."""
    for key, value in reversed(headers):
        if key == name:
            try:
                return value.decode() if value is not None else None
            except UnicodeDecodeError:
                return None
    return None


def trace_of(headers: Headers) -> str | None:
    """Return the span that a record goes on from, or none where none is named in W3C's form."""
    given = header(headers, "traceparent")
    return given if given is not None and tracing.is_traceparent(given) else None


def decode(value: bytes | None, headers: Headers, kind: type[MessageT]) -> MessageT:
    """Read a record that holds one kind of message.

    Unknown fields are kept aside, so that a later version of the schema is understood as far as it
    is known.

    Raises:
        RejectedInput: The record is empty, is of another type, or cannot be decoded.
    """
    message = decode_one_of(value, headers, (kind,))
    if not isinstance(message, kind):  # pragma: no cover - decode_one_of returns one of the kinds
        raise TypeError(kind.__name__)
    return message


def decode_one_of(value: bytes | None, headers: Headers, kinds: Iterable[type[Message]]) -> Message:
    """Read a record that holds one of several kinds of message, told apart by `ce_type`.

    Raises:
        RejectedInput: As in `decode`.
    """
    by_name: Mapping[str, type[Message]] = {kind.DESCRIPTOR.full_name: kind for kind in kinds}
    expected = " or ".join(by_name)
    declared = header(headers, "ce_type")
    if not value:
        raise RejectedInput("empty", f"a record without a value; expected {expected}")
    if declared is None:
        raise RejectedInput("no_envelope", f"the header ce_type is missing; expected {expected}")
    kind = by_name.get(declared)
    if kind is None:
        raise RejectedInput("unexpected_type", f"expected {expected}")
    try:
        return kind.FromString(value)
    except DecodeError as error:
        raise RejectedInput("undecodable", f"the value is not a {declared}") from error
