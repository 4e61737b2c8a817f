"""Rubbish: records that no consumer can follow, and those of a later version, which each must."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dsr_contracts.v1 import registry_pb2, requests_pb2
from dsr_wire.codec.requests import cohort_accepted_to_wire
from dsr_wire.envelope import CONTENT_TYPE, Headers
from support.builders import an_accepted_cohort
from support.forging import Raw, a_new_id

__all__ = ["Rubbish", "from_a_later_version", "marked", "rubbish"]

_LARGE = 900_000

_MARK = "test_mark"
"""A header that names a record, since Kafka's null value says nothing of whose it is."""


@dataclass(frozen=True, slots=True)
class Rubbish:
    """A bad record, and what its consumer must say of it."""

    name: str
    record: Raw
    reasons: frozenset[str]

    @property
    def mark(self) -> bytes | None:
        """What finds this record again among others."""
        return marked(self.record.headers)


def marked(headers: Headers | None) -> bytes | None:
    """Return the mark of a record, if it has one."""
    return next((data for name, data in headers or () if name == _MARK), None)


def rubbish(topic: str, ce_type: str) -> Iterator[Rubbish]:
    """Yield one record for each way to be bad, for a topic that takes messages of this type."""
    draw = random.Random(topic)
    other = registry_pb2.PublicKey(key_id="x", algorithm="y", key=b"\xff" * 40)

    def one(
        name: str, value: bytes | None, *reasons: str, headers: Headers | None = None
    ) -> Rubbish:
        mark = a_new_id().encode()
        given = _headers(ce_type) if headers is None else headers
        record = Raw(topic, name.encode(), value, (*given, (_MARK, mark)))
        return Rubbish(name, record, frozenset(reasons))

    yield one("empty value", b"", "empty")
    yield one("null value", None, "empty")
    yield one("random bytes", b"\xff" + draw.randbytes(300), "undecodable")
    yield one(
        "another message's bytes",
        other.SerializeToString(),
        *("undecodable", "invalid_field", "unknown_algorithm", "empty"),
    )
    yield one("no headers", b"\x0a\x01x", "no_envelope", headers=())
    yield one(
        "type that is not UTF-8",
        b"\x0a\x01x",
        "no_envelope",
        headers=(("ce_type", b"\xff\xfe\x00"), ("ce_id", b"\xc3\x28")),
    )
    yield one(
        "null headers",
        b"\x0a\x01x",
        "no_envelope",
        "unexpected_type",
        headers=(("ce_type", None), ("ce_id", None)),
    )
    yield one("another type", b"\x0a\x01x", "unexpected_type", headers=_headers("dsr.v2.Unheard"))
    if ce_type == requests_pb2.CohortAccepted.DESCRIPTOR.full_name:
        oversized = an_accepted_cohort(jurisdiction="x" * _LARGE)
        value = cohort_accepted_to_wire(oversized).SerializeToString()
        yield one("well-formed, and more than Temporal takes", value, "invalid_field")
    yield one("900 KB", b"\xff" + draw.randbytes(_LARGE), "undecodable")


def from_a_later_version(record: Raw) -> Raw:
    """Return a record with fields that today's schema does not know, as a newer producer sends it."""
    unknown = registry_pb2.PublicKey(key_id="later").SerializeToString()
    # Field 1000, length-delimited: a message that nobody here has heard of.
    extra = b"\xc2\x3e" + bytes([len(unknown)]) + unknown
    headers = (*(record.headers or ()), ("ce_later", b"1"), (_MARK, a_new_id().encode()))
    return replace(record, value=(record.value or b"") + extra, headers=headers)


def _headers(ce_type: str) -> Headers:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", a_new_id().encode()),
        ("ce_type", ce_type.encode()),
        ("ce_source", b"test"),
        ("content-type", CONTENT_TYPE.encode()),
    )
