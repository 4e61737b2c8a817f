"""Logs: structlog, JSON or console, and an allow-list of fields, so that no personal value gets in."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from dsr_core import tracing

__all__ = ["ALLOWED_FIELDS", "configure"]

ALLOWED_FIELDS = frozenset(
    {
        "action", "address", "attempt", "batch", "client_id", "closed", "cohort_id", "count",
        "delay_s", "duration_ms", "error", "event", "exc_info", "exception", "field", "group_id",
        "hold_id", "key_id", "kind", "kinds", "level", "logger", "method", "notices", "offset",
        "opened", "organisation_id", "part", "partition", "path_template", "port", "reason",
        "registry_digest", "reminder", "request_id", "revision", "right", "scope", "service",
        "signal", "stack_info", "state", "status", "system_id", "systems", "timestamp", "topic",
        "trace_id", "version", "witness", "workflow_id",
    }
)  # fmt: skip
"""The only fields that a log line may have; the names of others are listed in `refused_fields`."""


_OF_STRUCTLOG = frozenset({"_from_structlog", "_record"})
"""What structlog adds on the way and takes out before rendering."""


_EVERY_S = 30.0
_TEXTS = 200


class _SeldomKafka(logging.Filter):
    """Lets each thing that Kafka's client says through every half minute.

    It says each failed connection, some hundred a second while Kafka is away.
    """

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka"):
            return True
        said, now = (record.name, str(record.msg)), time.monotonic()
        if now < self._next.get(said, 0.0):
            return False
        if len(self._next) >= _TEXTS:
            self._next.clear()
        self._next[said] = now + _EVERY_S
        return True


def configure(*, service: str, style: str, level: str) -> None:
    """Set up logging for the process; what libraries log goes the same way."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _what_it_is_about,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(allow=ALLOWED_FIELDS),
        _only_allowed,
    ]
    renderers: list[Processor]
    if style == "console":
        renderers = [
            _printable,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # The default one shows the local variables of every frame.
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ]
    else:
        renderers = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    handler.addFilter(_SeldomKafka())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in (
        "aiokafka",
        "alembic",
        "faust",
        "mode",
        "httpx",
        "httpcore",
        "opentelemetry",
        "temporalio",
        "uvicorn",
    ):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)


def _what_it_is_about(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in tracing.about().items():
        event.setdefault(name, value)
    trace_id = tracing.trace_id()
    if trace_id is not None:
        event.setdefault("trace_id", trace_id)
    return event


def _only_allowed(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    refused = [name for name in event if name not in ALLOWED_FIELDS | _OF_STRUCTLOG]
    for name in refused:
        del event[name]
    if refused:
        event["refused_fields"] = refused
    return event


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    # JSON escapes by itself; a terminal would do what a value tells it.
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in value)
    return event


def _to_json(event: Any, **_options: Any) -> str:
    # Dataclasses by their repr, which redacts: orjson would show every field of an identifier.
    return orjson.dumps(event, default=repr, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
