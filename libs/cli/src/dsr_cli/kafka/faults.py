"""What Kafka says when it refuses, fit for one line."""

from __future__ import annotations

from confluent_kafka import KafkaException

__all__ = ["reason"]

_LONGEST = 200


def reason(error: KafkaException) -> str:
    """Return Kafka's own words, or the name of the fault where they are a dump of the request."""
    fault = error.args[0]
    text: str = fault.str()
    return text if len(text) <= _LONGEST else str(fault.name())
