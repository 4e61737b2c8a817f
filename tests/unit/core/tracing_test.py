"""Tracing: what is in which span, what a span may say, and that nothing is begun unless it is on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from dsr_core import tracing
from dsr_core.tracing import Kind

CALL = "00-" + "a" * 32 + "-" + "1" * 16 + "-01"
OTHER = "00-" + "b" * 32 + "-" + "2" * 16 + "-01"


@dataclass
class Begun:
    name: str
    parent: str | None
    links: Sequence[str]
    attributes: dict[str, str | int]
    traceparent: str
    ended: list[str | None] = field(default_factory=list)

    def rename(self, name: str) -> None:
        self.name = name

    def tell(self, attributes: Mapping[str, str | int]) -> None:
        self.attributes.update(attributes)

    def end(self, fault: str | None = None) -> None:
        self.ended.append(fault)


class Noting:
    """A tracer that notes what is begun."""

    def __init__(self) -> None:
        self.spans: list[Begun] = []

    def begin(
        self,
        name: str,
        *,
        kind: Kind,  # noqa: ARG002 - as the port
        parent: str | None,
        links: Sequence[str],
        attributes: Mapping[str, str | int],
    ) -> Begun:
        number = len(self.spans) + 1
        trace_id = parent.split("-")[1] if parent else f"{number:032x}"
        made = Begun(name, parent, links, dict(attributes), f"00-{trace_id}-{number:016x}-01")
        self.spans.append(made)
        return made


@pytest.fixture
def noting() -> Iterator[Noting]:
    tracer = Noting()
    tracing.install(tracer)
    yield tracer
    tracing.install(None)


def test_off_nothing_is_in_a_span_and_log_lines_still_say_what_they_are_about() -> None:
    with tracing.span("a step", parent=CALL, request_id="r1") as begun:
        assert begun is None
        assert tracing.current() is None
        assert tracing.trace_id() is None
        assert tracing.about() == {"request_id": "r1"}
    assert tracing.about() == {}
    with tracing.together("steps", [CALL, OTHER], kind=Kind.CONSUMER) as spans:
        assert spans == [None, None]


def test_a_span_is_below_the_given_one_or_the_current_one(noting: Noting) -> None:
    with tracing.span("outer", parent=CALL):
        with tracing.span("inner"):
            assert tracing.trace_id() == "a" * 32
        assert tracing.current() == noting.spans[0].traceparent
    assert tracing.current() is None
    outer, inner = noting.spans
    assert (outer.parent, inner.parent) == (CALL, outer.traceparent)
    assert (outer.ended, inner.ended) == ([None], [None])


def test_only_a_call_from_outside_begins_a_trace(noting: Noting) -> None:
    with tracing.span("by itself"):
        assert tracing.current() is None
    assert noting.spans == []
    with tracing.root("POST", parent=None, kind=Kind.SERVER):
        assert tracing.current() is not None


def test_one_of_many_is_a_trace_of_its_own_that_is_linked(noting: Noting) -> None:
    with tracing.span("a cohort", parent=CALL, apart=True):
        assert tracing.trace_id() != "a" * 32
    [begun] = noting.spans
    assert (begun.parent, begun.links) == (None, (CALL,))


def test_of_several_messages_each_has_its_span_and_the_work_a_linked_one(noting: Noting) -> None:
    with tracing.together("records", [CALL, None, OTHER], kind=Kind.CONSUMER) as spans:
        within = tracing.current()
    first, second, batch = noting.spans
    assert spans == [first.traceparent, None, second.traceparent]
    assert (first.parent, second.parent, batch.parent) == (CALL, OTHER, None)
    assert list(batch.links) == [CALL, OTHER]
    assert within == batch.traceparent


def test_the_work_on_one_message_is_in_its_span(noting: Noting) -> None:
    with tracing.together("records", [None, CALL], kind=Kind.CONSUMER) as spans:
        assert tracing.current() == spans[1]
    assert len(noting.spans) == 1


def test_each_request_of_several_goes_on_from_its_own_span(noting: Noting) -> None:
    with tracing.root("POST", parent=None, kind=Kind.SERVER), tracing.knowing({"r1": CALL}):
        assert tracing.of_request("r1") == CALL
        assert tracing.of_request("r2") == noting.spans[0].traceparent


def test_a_fault_is_told_by_its_name_alone(noting: Noting) -> None:
    with pytest.raises(ValueError, match="anna"), tracing.span("a step", parent=CALL):
        raise ValueError("anna@example.com")
    assert noting.spans[0].ended == ["ValueError"]


@pytest.mark.parametrize("value", ["anna@example.com", "+49 30 1234", "Müller", "x" * 121, ""])
def test_a_value_that_is_no_id_is_left_out(noting: Noting, value: str) -> None:
    with tracing.span("a step", parent=CALL, system_id=value, right="deletion"):
        pass
    assert noting.spans[0].attributes == {"right": "deletion"}


def test_an_attribute_that_nobody_allowed_is_a_fault_of_the_code() -> None:
    with pytest.raises(ValueError, match="email"), tracing.span("a step", email="x"):
        pass


@pytest.mark.parametrize(
    "module",
    ["dsr_sdk", "dsr_fanout.__main__", "dsr_intake.__main__", "dsr_verifier.__main__"],
)
def test_off_nothing_of_opentelemetry_is_loaded_by_us(module: str) -> None:
    # FastAPI itself imports the API, which records nothing; the SDK brings no FastAPI.
    code = (
        f"import sys, {module}\n"
        "print([one for one in sys.modules if one.startswith('opentelemetry.')])\n"
        "print('dsr_wire.spans' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    loaded = eval(shown[0])  # noqa: S307 - a list that we have printed
    if module == "dsr_sdk":
        assert loaded == []
    parts = {one.split(".")[1] for one in loaded}
    assert not parts & {"sdk", "exporter", "proto", "instrumentation"}
    assert shown[1] == "False"
