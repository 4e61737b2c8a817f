"""Logs: only allowed fields have a value in a line, whoever wrote it and whatever went wrong."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr
from typing import Any

import pytest
import structlog

from dsr_core import tracing
from dsr_runtime import logs
from support.builders import MARKER, an_identifier

Shown = Callable[[], str]


@pytest.fixture(params=["json", "console"])
def style(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shown(style: str) -> Iterator[Shown]:
    """What the process has logged since; logging is as before when the test is over."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    written = io.StringIO()
    with redirect_stderr(written):
        logs.configure(service="intake", style=style, level="info")
    yield written.getvalue
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def a_logger() -> Any:
    return structlog.get_logger("dsr.example")


def test_allowed_fields_are_shown(shown: Shown) -> None:
    a_logger().info("a record was refused", topic="dsr.closures.v1", offset=7)
    line = shown()
    assert "a record was refused" in line
    assert "dsr.closures.v1" in line
    assert "intake" in line


def test_a_refused_field_s_value_never_appears_but_its_name_does(shown: Shown) -> None:
    a_logger().info("hello", email=f"{MARKER}@example.com", attempt=1)
    line = shown()
    assert MARKER not in line
    assert "email" in line
    assert "attempt" in line


def test_a_field_with_a_leading_underscore_is_refused_too(shown: Shown) -> None:
    a_logger().info("hello", _email=f"{MARKER}@example.com")
    assert MARKER not in shown()


def test_a_bound_field_is_refused_too(shown: Shown) -> None:
    a_logger().bind(email=f"{MARKER}@example.com").info("hello")
    with structlog.contextvars.bound_contextvars(phone=MARKER):
        a_logger().info("hello")
    assert MARKER not in shown()


def test_a_library_s_extra_field_is_refused_too(shown: Shown) -> None:
    logging.getLogger("some.library").warning("hello", extra={"email": MARKER, "topic": "t"})
    line = shown()
    assert MARKER not in line
    assert "hello" in line


def test_an_identifier_in_an_allowed_field_is_redacted(shown: Shown) -> None:
    a_logger().info("hello", reason=an_identifier(), systems=[an_identifier()])
    assert MARKER not in shown()


def fail_holding(email: str) -> None:
    raise LookupError(len(email))


def test_an_exception_is_shown_without_the_values_of_its_frames(shown: Shown) -> None:
    try:
        fail_holding(f"{MARKER}@example.com")
    except LookupError:
        a_logger().exception("a fault")
    line = shown()
    assert "LookupError: 25" in line
    assert "fail_holding" in line
    assert MARKER not in line


def test_an_exception_of_a_library_is_shown_without_the_values_of_its_frames(shown: Shown) -> None:
    try:
        fail_holding(f"{MARKER}@example.com")
    except LookupError:
        logging.getLogger("some.library").exception("a fault", extra={"email": MARKER})
    line = shown()
    assert "fail_holding" in line
    assert MARKER not in line


FORGED = [
    'x\n{"event": "forged", "level": "info"}',
    "x\r\n2031-01-01T00:00:00Z [info] forged",
    "x\x1b[2J\x1b[1;31mforged",
    "x\x00\x08\x9bforged",
]


@pytest.mark.parametrize("said", FORGED)
def test_a_value_begins_no_line_and_moves_no_cursor(shown: Shown, said: str) -> None:
    a_logger().info("hello", reason=said, systems=[said])
    line = shown()
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert re.search(r"[\x00-\x09\x0b-\x1f]", line) is None


def test_lines_below_the_level_are_not_written(shown: Shown) -> None:
    a_logger().debug("quiet")
    logging.getLogger("aiokafka").info("quiet")
    logging.getLogger("temporalio.worker").info("quiet")
    assert shown() == ""


@pytest.mark.parametrize("style", ["json"], indirect=True)
def test_a_json_line_is_one_object_with_the_service_level_and_time(shown: Shown) -> None:
    a_logger().warning("kafka is away", part="outbox", email=MARKER)
    line = json.loads(shown())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "kafka is away",
        "part": "outbox",
        "level": "warning",
        "logger": "dsr.example",
        "service": "intake",
        "refused_fields": ["email"],
    }


@pytest.mark.parametrize("style", ["json"], indirect=True)
def test_what_json_does_not_know_is_shown_by_its_repr(shown: Shown) -> None:
    a_logger().info("hello", reason=object)
    assert json.loads(shown())["reason"] == repr(object)


def test_no_field_that_could_be_personal_is_allowed() -> None:
    personal = {"email", "phone", "value", "identifier", "identity", "name", "subject", "user",
                "ip", "client", "path", "url", "query", "body", "headers", "key"}  # fmt: skip
    assert not personal & logs.ALLOWED_FIELDS


def test_a_line_says_which_request_system_and_trace_it_is_about(shown: Shown) -> None:
    trace = "00-" + "a" * 32 + "-" + "1" * 16 + "-01"

    class Span:
        traceparent = trace

        def rename(self, name: str) -> None: ...

        def tell(self, attributes: Mapping[str, str | int]) -> None: ...

        def end(self, fault: str | None = None) -> None: ...

    class Tracer:
        def begin(self, name: str, **_: object) -> Span:  # noqa: ARG002 - as the port
            return Span()

    with tracing.span("a step", request_id="r-17", system_id="newsletter"):
        a_logger().info("without a trace")
    tracing.install(Tracer())
    try:
        with tracing.span("a step", parent=trace, request_id="r-18"):
            a_logger().info("within a trace")
        logging.getLogger("library").warning("outside of any")
    finally:
        tracing.install(None)
    without, within, outside = shown().strip().splitlines()
    assert "r-17" in without
    assert "newsletter" in without
    assert "trace_id" not in without
    assert "a" * 32 in within
    assert "r-18" in within
    assert "r-18" not in outside
