"""Envelopes: what is encoded is decoded, and whatever else arrives is refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta, timezone

import pytest
from google.protobuf import unknown_fields

from dsr_contracts.v1 import closures_pb2, lifecycle_pb2, requests_pb2
from dsr_core import tracing
from dsr_core.errors import RejectedInput
from dsr_wire.codec.lifecycle import cohort_answered_from_wire, cohort_answered_to_wire
from dsr_wire.envelope import CONTENT_TYPE, Outgoing, decode, decode_one_of, encode, header
from support.builders import NOW, a_cohort_id, an_id

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def an_envelope(traceparent: str | None = None) -> Outgoing:
    return encode(
        cohort_answered_to_wire(a_cohort_id(), NOW),
        topic="dsr.lifecycle.v1",
        key=a_cohort_id(),
        event_id=an_id(7),
        source="intake",
        at=NOW,
        traceparent=traceparent,
    )


def test_headers_follow_cloudevents_binary_mode() -> None:
    record = an_envelope()
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": an_id(7).encode(),
        "ce_type": b"dsr.v1.CohortAnswered",
        "ce_source": b"intake",
        "ce_time": b"2026-03-02T09:30:00+00:00",
        "content-type": CONTENT_TYPE.encode(),
    }
    assert (record.topic, record.key) == ("dsr.lifecycle.v1", a_cohort_id().encode())


def test_the_trace_is_carried_where_there_is_one() -> None:
    assert header(an_envelope(TRACE).headers, "traceparent") == TRACE
    assert header(an_envelope().headers, "traceparent") is None


def test_encoding_again_gives_the_same_record() -> None:
    assert an_envelope(TRACE) == an_envelope(TRACE)


def test_the_time_is_in_utc_wherever_it_was_measured() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    record = encode(
        cohort_answered_to_wire(a_cohort_id(), NOW), topic="t", key="k", event_id="e", source="s",
        at=there,
    )  # fmt: skip
    assert header(record.headers, "ce_time") == NOW.isoformat()


def test_what_was_encoded_is_decoded() -> None:
    record = an_envelope()
    message = decode(record.value, record.headers, lifecycle_pb2.CohortAnswered)
    assert cohort_answered_from_wire(message) == a_cohort_id()


def test_one_of_several_kinds_is_told_by_its_type() -> None:
    record = an_envelope()
    kinds = (closures_pb2.Closures, lifecycle_pb2.CohortAnswered)
    message = decode_one_of(record.value, record.headers, kinds)
    assert isinstance(message, lifecycle_pb2.CohortAnswered)


def test_fields_of_a_later_version_are_kept_aside_and_the_rest_is_understood() -> None:
    record = an_envelope()
    later = record.value + b"\xca\x3e\x05later" + b"\xd0\x3e\x01"  # fields 1001 and 1002
    message = decode(later, record.headers, lifecycle_pb2.CohortAnswered)
    assert cohort_answered_from_wire(message) == a_cohort_id()
    assert len(unknown_fields.UnknownFieldSet(message)) == 2
    assert message.SerializeToString() == later


@pytest.mark.parametrize("value", [None, b""])
def test_an_empty_record_is_refused(value: bytes | None) -> None:
    with pytest.raises(RejectedInput, match=r"^empty") as caught:
        decode(value, an_envelope().headers, lifecycle_pb2.CohortAnswered)
    assert "dsr.v1.CohortAnswered" in caught.value.detail


def test_a_record_without_an_envelope_is_refused() -> None:
    with pytest.raises(RejectedInput, match=r"^no_envelope"):
        decode(an_envelope().value, [], lifecycle_pb2.CohortAnswered)


def test_another_message_is_refused_by_its_type() -> None:
    record = an_envelope()
    with pytest.raises(RejectedInput, match=r"^unexpected_type"):
        decode(record.value, record.headers, requests_pb2.CohortAccepted)


def test_the_declared_type_is_not_echoed() -> None:
    headers = [("ce_type", b"someone@example.com")]
    with pytest.raises(RejectedInput, match=r"^unexpected_type") as caught:
        decode(b"x", headers, requests_pb2.CohortAccepted)
    assert "someone" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [b"\xff", b"\x0a\x05abc", b"\x0a\x01\xff", b"\x00", b"\x0b" * 200]
)
def test_bytes_that_are_no_message_are_refused(value: bytes) -> None:
    with pytest.raises(RejectedInput, match=r"^undecodable"):
        decode(value, an_envelope().headers, lifecycle_pb2.CohortAnswered)


def test_the_last_header_of_a_name_counts() -> None:
    assert header([("a", b"1"), ("b", b"2"), ("a", b"3")], "a") == "3"


def test_a_header_that_is_absent_is_none() -> None:
    assert header([("b", b"2")], "a") is None


def test_a_header_that_is_not_utf_8_is_none() -> None:
    assert header([("a", b"\xff")], "a") is None


def test_a_null_header_is_none_and_ends_nothing() -> None:
    assert header([("a", None)], "a") is None
    with pytest.raises(RejectedInput, match=r"^no_envelope"):
        decode(b"x", [("ce_type", None)], lifecycle_pb2.CohortAnswered)


def test_a_record_goes_on_in_the_span_that_the_code_is_in_unless_it_is_given_another() -> None:
    class Span:
        traceparent = TRACE

        def rename(self, name: str) -> None: ...

        def tell(self, attributes: Mapping[str, str | int]) -> None: ...

        def end(self, fault: str | None = None) -> None: ...

    class Tracer:
        def begin(self, name: str, **_: object) -> Span:  # noqa: ARG002 - as the port
            return Span()

    tracing.install(Tracer())
    try:
        with tracing.root("POST", parent=None, kind=tracing.Kind.SERVER):
            assert header(an_envelope().headers, "traceparent") == TRACE
            other = TRACE.replace("7", "8")
            assert header(an_envelope(other).headers, "traceparent") == other
    finally:
        tracing.install(None)
    assert header(an_envelope().headers, "traceparent") is None
