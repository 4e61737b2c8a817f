"""The trace that a record belongs to."""

from __future__ import annotations

from aiokafka import ConsumerRecord

from dsr_wire.envelope import header, is_traceparent

__all__ = ["trace_of"]


def trace_of(record: ConsumerRecord) -> str | None:
    """Return a record's trace, or none where it has none that is well formed."""
    given = header(record.headers, "traceparent")
    return given if given is not None and is_traceparent(given) else None
