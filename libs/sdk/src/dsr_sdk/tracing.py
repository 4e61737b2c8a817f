"""Spans of a subscriber, so that a subject request's trace shows what each system did. Off by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsr_core import tracing
from dsr_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

__all__ = ["record_spans"]


def record_spans(system_id: str, provider: TracerProvider | None = None) -> None:
    """Have this process's subscribers record spans from now on.

    Args:
        system_id: What the process is called among the services, unless a provider is given.
        provider: What records them where the process has set up OpenTelemetry itself; else they are
            exported by OTLP over HTTP, as OpenTelemetry's own variables say.

    Raises:
        ConfigurationError: `dsr-sdk[traces]` is not installed, or the variables are wrong.
    """
    try:
        from dsr_wire.spans import SpanRecorder  # noqa: PLC0415 - off by default, and then not installed

        tracing.install(SpanRecorder(provider or _exporting(system_id)))
    except ImportError as error:
        raise ConfigurationError(["DSR_TRACES needs the extra dsr-sdk[traces]"]) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(["spans cannot be exported: see the variables OTEL_*"]) from error


def _exporting(system_id: str) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - as above
        OTLPSpanExporter,
    )
    from opentelemetry.sdk import resources, trace  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above

    named = resources.Resource.create({"service.name": f"dsr-system-{system_id}"})
    provider = trace.TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
