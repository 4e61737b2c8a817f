"""Traces: what a subject request passes through, told apart from all others, in every process.

This is the door to whatever records spans, and knows none of it: until a tracer is installed nothing
is begun, and nothing is imported. A span is named by its W3C `traceparent`, which is what travels in
HTTP's and Kafka's headers. What a span says are ids and enumerations of `ATTRIBUTES`, never a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

__all__ = [
    "ATTRIBUTES",
    "Kind",
    "OpenSpan",
    "Tracer",
    "about",
    "current",
    "install",
    "is_on",
    "is_sampled",
    "is_traceparent",
    "knowing",
    "of_request",
    "root",
    "span",
    "together",
    "trace_id",
]

ATTRIBUTES = frozenset(
    {
        "cohort_id", "count", "kind", "method", "organisation_id", "request_id", "right", "route",
        "status", "system_id", "topic",
    }
)  # fmt: skip
"""The only attributes that a span may have; they are exported with `dsr.` before them."""

_IN_LOGS = ("cohort_id", "request_id", "system_id")

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

_VALUE = re.compile(r"[A-Za-z0-9_.,:/{}*-]{1,120}")
"""What the value of an attribute looks like: an id, a word of ours, a topic, the template of a path."""


class Kind(StrEnum):
    """Which side of a call or message a span is, as OpenTelemetry names it."""

    CLIENT = "client"
    CONSUMER = "consumer"
    INTERNAL = "internal"
    SERVER = "server"


class OpenSpan(Protocol):
    """A span that has begun."""

    @property
    def traceparent(self) -> str: ...  # noqa: D102 - W3C's name

    def rename(self, name: str) -> None: ...  # noqa: D102

    def tell(self, attributes: Mapping[str, str | int]) -> None: ...  # noqa: D102

    def end(self, fault: str | None = None) -> None:
        """End it; a fault is the name of an error, and never its text."""


class Tracer(Protocol):
    """Records spans."""

    def begin(
        self,
        name: str,
        *,
        kind: Kind,
        parent: str | None,
        links: Sequence[str],
        attributes: Mapping[str, str | int],
    ) -> OpenSpan:
        """Begin a span below a parent, or a trace of its own where there is none."""


class _Installed:
    tracer: Tracer | None = None


_current: ContextVar[str | None] = ContextVar("dsr_trace", default=None)
_about: ContextVar[Mapping[str, str]] = ContextVar("dsr_about", default=MappingProxyType({}))
_requests: ContextVar[Mapping[str, str]] = ContextVar("dsr_traces", default=MappingProxyType({}))


def install(tracer: Tracer | None) -> None:
    """Have this process's spans recorded from now on, or, with none, no more."""
    _Installed.tracer = tracer


def is_on() -> bool:
    """Tell whether spans are recorded."""
    return _Installed.tracer is not None


def is_traceparent(text: str) -> bool:
    """Tell whether a text names a W3C trace; what does not is not carried on."""
    return _TRACEPARENT.fullmatch(text) is not None


def is_sampled(traceparent: str) -> bool:
    """Tell whether the spans of a trace are recorded, as whoever began it decided."""
    return int(traceparent[-2:], 16) & 1 == 1


def current() -> str | None:
    """Return the span that the running code is in; none outside of any, and where tracing is off."""
    return _current.get()


def trace_id() -> str | None:
    """Return the id of the trace that the running code is in."""
    found = _TRACEPARENT.fullmatch(_current.get() or "")
    return None if found is None else found[1]


def about() -> Mapping[str, str]:
    """Return which request, cohort and system the running code is about, for its log lines."""
    return _about.get()


def of_request(request_id: str) -> str | None:
    """Return the span to go on from for one request of several that are worked on together."""
    return _requests.get().get(request_id) or _current.get()


@contextmanager
def knowing(spans: Mapping[str, str]) -> Iterator[None]:
    """Have `of_request` answer by these, each span under its request's id."""
    token = _requests.set(spans)
    try:
        yield
    finally:
        _requests.reset(token)


@contextmanager
def span(
    name: str,
    *,
    parent: str | None = None,
    kind: Kind = Kind.INTERNAL,
    apart: bool = False,
    **attributes: str | int,
) -> Iterator[OpenSpan | None]:
    """Run code in a span below the given one or the current one; in none where there is no trace.

    So nothing but a call from outside begins a trace: what runs by itself leaves none.

    Args:
        name: What is done, with no id in it.
        parent: What to go on from.
        kind: Which side of a message it is.
        apart: Whether it begins a trace of its own, linked to the parent: of one among many.
        attributes: Of `ATTRIBUTES`; what has another form than an id's is left out.
    """
    before = parent or _current.get()
    told = _allowed(attributes)
    begun: OpenSpan | None = None
    if _Installed.tracer is not None and before is not None:
        begun = _Installed.tracer.begin(
            name,
            kind=kind,
            parent=None if apart else before,
            links=(before,) if apart else (),
            attributes=told,
        )
    with _entered(begun, told):
        yield begun


@contextmanager
def root(name: str, *, parent: str | None, kind: Kind) -> Iterator[OpenSpan | None]:
    """Run code in a span below the given one, or in the first one of a trace."""
    tracer = _Installed.tracer
    begun: OpenSpan | None = None
    if tracer is not None:
        begun = tracer.begin(name, kind=kind, parent=parent, links=(), attributes={})
    with _entered(begun, {}):
        yield begun


@contextmanager
def together(
    name: str, parents: Sequence[str | None], *, kind: Kind, **attributes: str | int
) -> Iterator[list[str | None]]:
    """Run code that works on several messages at once; yield the span of each, below its own parent.

    The code itself is in the one span where there is one. Where there are several, it is in a trace of
    its own that is linked to each: what it does for all of them belongs to none.
    """
    tracer = _Installed.tracer
    given = [one for one in parents if one is not None]
    if tracer is None or not given:
        yield [None] * len(parents)
        return
    told = _allowed(attributes)
    with ExitStack() as stack:
        own = []
        for one in parents:
            begun = one and tracer.begin(name, kind=kind, parent=one, links=(), attributes=told)
            own.append(begun.traceparent if begun else None)
            if begun:
                stack.enter_context(_ended(begun))
        if len(given) == 1:
            [only] = [one for one in own if one is not None]
            stack.enter_context(_being(only))
        else:
            told = {**told, "count": len(given)}
            batch = tracer.begin(name, kind=kind, parent=None, links=given, attributes=told)
            stack.enter_context(_entered(batch, told))
        yield own


@contextmanager
def _entered(begun: OpenSpan | None, told: Mapping[str, str | int]) -> Iterator[None]:
    ids = {name: str(told[name]) for name in _IN_LOGS if name in told}
    token = _about.set({**_about.get(), **ids}) if ids else None
    try:
        if begun is None:
            yield
            return
        with _ended(begun), _being(begun.traceparent):
            yield
    finally:
        if token is not None:
            _about.reset(token)


@contextmanager
def _being(traceparent: str) -> Iterator[None]:
    token = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def _ended(begun: OpenSpan) -> Iterator[None]:
    fault: str | None = None
    try:
        yield
    except Exception as error:
        fault = type(error).__name__
        raise
    finally:
        begun.end(fault)


def _allowed(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    unknown = attributes.keys() - ATTRIBUTES
    if unknown:
        raise ValueError(f"no attributes of spans: {', '.join(sorted(unknown))}")
    return {
        name: value
        for name, value in attributes.items()
        if isinstance(value, int) or _VALUE.fullmatch(value)
    }
