"""Spans as OpenTelemetry records them. Nothing imports this module until tracing is switched on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags

from dsr_core.tracing import Kind, OpenSpan

__all__ = ["SpanRecorder"]

_KINDS = {
    Kind.CLIENT: SpanKind.CLIENT,
    Kind.CONSUMER: SpanKind.CONSUMER,
    Kind.INTERNAL: SpanKind.INTERNAL,
    Kind.SERVER: SpanKind.SERVER,
}


class SpanRecorder:
    """The Tracer of `dsr_core.tracing`, over a provider that the process has set up."""

    def __init__(self, provider: trace.TracerProvider) -> None:
        self._tracer = provider.get_tracer("dsr")

    def begin(
        self,
        name: str,
        *,
        kind: Kind,
        parent: str | None,
        links: Sequence[str],
        attributes: Mapping[str, str | int],
    ) -> OpenSpan:
        """Begin a span; the provider's sampler says whether anybody will see it."""
        context = Context()
        if parent is not None:
            context = trace.set_span_in_context(NonRecordingSpan(_context_of(parent)), context)
        return _Open(
            self._tracer.start_span(
                name,
                context=context,
                kind=_KINDS[kind],
                links=[Link(_context_of(one)) for one in links],
                attributes=_named(attributes),
                record_exception=False,
                set_status_on_exception=False,
            )
        )


class _Open:
    def __init__(self, span: Span) -> None:
        self._span = span
        at = span.get_span_context()
        self.traceparent = f"00-{at.trace_id:032x}-{at.span_id:016x}-{at.trace_flags:02x}"

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def tell(self, attributes: Mapping[str, str | int]) -> None:
        self._span.set_attributes(_named(attributes))

    def end(self, fault: str | None = None) -> None:
        if fault is not None:
            self._span.set_status(trace.StatusCode.ERROR, fault)
        self._span.end()


def _named(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {f"dsr.{name}": value for name, value in attributes.items()}


def _context_of(traceparent: str) -> SpanContext:
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
    )
