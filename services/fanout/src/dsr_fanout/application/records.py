"""Records: what fanout says, in the envelope of its topic, bounded in bytes."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.message import Message

from dsr_core import tracing
from dsr_core.errors import RuleViolation
from dsr_fanout.orders import Order
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import Topic

__all__ = ["RECORD_LIMIT", "SOURCE", "home_of", "record"]

SOURCE = "fanout"
"""Who speaks, in every envelope."""

RECORD_LIMIT = 512 * 1024
"""Bytes of a record's value at most: half of what Kafka takes, so that no header tips it over."""


def record(
    message: Message, order: Order, *, topic: Topic, event_id: str, at: datetime
) -> Outgoing:
    """Wrap a message about a cohort, or about a request that has left it: they share their key.

    So what is said of a request keeps its order, whichever workflow says it.

    Raises:
        RuleViolation: It is larger than a record may be.
    """
    outgoing = encode(
        message,
        topic=topic.name,
        key=home_of(order),
        event_id=event_id,
        source=SOURCE,
        at=at,
        traceparent=tracing.current() or order.traceparent,
    )
    if len(outgoing.value) > RECORD_LIMIT:
        detail = f"{len(outgoing.value)} bytes for {topic.name}, of {RECORD_LIMIT} at most"
        raise RuleViolation("record_too_large", detail)
    return outgoing


def home_of(order: Order) -> str:
    """Return the cohort that the requests were accepted in."""
    return order.home_cohort_id or order.cohort_id
