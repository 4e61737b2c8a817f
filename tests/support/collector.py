"""A collector of spans: takes OTLP over HTTP, keeps what came as it came, and answers from it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

__all__ = ["Collector", "Exported", "collector"]


@dataclass(frozen=True, slots=True)
class Exported:
    """One span, as a process exported it."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: frozenset[str]
    """The ids of the traces that it is linked to."""

    attributes: dict[str, str | int]


class Collector:
    """What has come."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self._lock = threading.Lock()
        self._count = 0

    @property
    def settings(self) -> dict[str, str]:
        """What has a process export here, soon."""
        return {
            "DSR_TRACES": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }

    def keep(self, content: bytes) -> None:
        """Write down what one call brought."""
        with self._lock:
            self.folder.mkdir(exist_ok=True)
            self._count += 1
            (self.folder / f"{self._count:06}.pb").write_bytes(content)

    def spans(self) -> list[Exported]:
        """Return every span so far."""
        return [
            one
            for file in sorted(self.folder.glob("*.pb"))
            for one in _read(ExportTraceServiceRequest.FromString(file.read_bytes()))
        ]

    def trace(self, trace_id: str) -> list[Exported]:
        """Return the spans of one trace."""
        return [one for one in self.spans() if one.trace_id == trace_id]


def _read(message: ExportTraceServiceRequest) -> Iterator[Exported]:
    for resource in message.resource_spans:
        [service] = [
            one.value.string_value
            for one in resource.resource.attributes
            if one.key == "service.name"
        ]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Exported(
                    service,
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    frozenset(link.trace_id.hex() for link in span.links),
                    {
                        one.key: one.value.string_value or one.value.int_value
                        for one in span.attributes
                    },
                )


@contextmanager
def collector(folder: Path) -> Iterator[Collector]:
    """Collect into a folder, which is made when the first span comes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                content = gzip.decompress(content)
            kept.keep(content)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Collector(folder, server.server_port)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
