"""Spans as OpenTelemetry records them: ids, parents and links as W3C's header names them."""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind, StatusCode

from dsr_core.tracing import Kind, is_sampled
from dsr_wire.spans import SpanRecorder

CALL = "00-" + "a" * 32 + "-" + "1" * 16 + "-01"


def a_recorder(**how: object) -> tuple[SpanRecorder, InMemorySpanExporter]:
    provider = TracerProvider(**how)  # type: ignore[arg-type]  # a sampler, or nothing
    exported = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    return SpanRecorder(provider), exported


def test_a_span_has_its_parent_its_links_and_its_kind() -> None:
    recorder, exported = a_recorder()
    span = recorder.begin(
        "a step", kind=Kind.CONSUMER, parent=CALL, links=[CALL], attributes={"right": "access"}
    )
    span.rename("another")
    span.tell({"status": 202})
    span.end("Unavailable")
    [one] = exported.get_finished_spans()
    assert one.parent is not None
    assert (f"{one.parent.span_id:016x}", one.name, one.kind) == (
        "1" * 16,
        "another",
        SpanKind.CONSUMER,
    )
    assert [f"{link.context.trace_id:032x}" for link in one.links] == ["a" * 32]
    assert dict(one.attributes or {}) == {"dsr.right": "access", "dsr.status": 202}
    assert (one.status.status_code, one.status.description) == (StatusCode.ERROR, "Unavailable")
    assert span.traceparent.startswith(f"00-{'a' * 32}-")


def test_what_is_not_sampled_says_so_to_those_who_come_after() -> None:
    recorder, exported = a_recorder(sampler=ParentBased(ALWAYS_OFF))
    span = recorder.begin("a step", kind=Kind.SERVER, parent=None, links=(), attributes={})
    span.end()
    assert not is_sampled(span.traceparent)
    assert is_sampled(CALL)
    assert exported.get_finished_spans() == ()
