"""Tracing in a service: off, and then not even loaded, unless its settings switch it on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from dsr_core import tracing
from dsr_runtime.process import Process, StartFault

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

__all__ = ["export"]

_LAST_MS = 3000


def export(
    process: Process, service: str, recorder: Callable[[TracerProvider], tracing.Tracer]
) -> None:
    """Have the process's spans sent to a collector, in batches, by OTLP over HTTP.

    Where to, how many and as whom is said by OpenTelemetry's own variables. The provider is not made
    the process's global one: no library's instrumentation finds it, so nothing of theirs is exported.

    Raises:
        StartFault: The variables name something that is not there.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - off by default
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - off by default
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - off by default
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - off by default

    try:
        named = Resource.create({"service.name": f"dsr-{service}"})
        provider = TracerProvider(resource=named, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    except (OSError, ValueError) as error:
        raise StartFault(
            "spans cannot be exported: see the variables OTEL_* and docs/traces.md"
        ) from error
    tracing.install(recorder(provider))

    async def flushed() -> None:
        # No shutdown: it would wait for a collector that is away, and the process ends anyway.
        await asyncio.to_thread(provider.force_flush, _LAST_MS)

    process.on_close(flushed)
