"""Audit entries on the wire: read as written, and refused by the field that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from dsr_contracts.v1 import audit_pb2
from dsr_core.errors import RejectedInput
from dsr_wire.codec.audit import AuditEntry, audit_entries_from_wire, audit_entries_to_wire
from support.builders import NOW, a_request_id

ENTRIES = tuple(
    AuditEntry(
        entry_id=str(a_request_id(number)),
        digest=bytes([number]) * 32,
        recorded_at=NOW + timedelta(microseconds=number),
    )
    for number in (2, 1)
)


def test_entries_are_read_as_they_were_written() -> None:
    assert audit_entries_from_wire(audit_entries_to_wire(ENTRIES)) == ENTRIES


def _none(message: audit_pb2.AuditEntries) -> None:
    del message.entries[:]


def _twice(message: audit_pb2.AuditEntries) -> None:
    message.entries[1].entry_id = message.entries[0].entry_id


def _no_id(message: audit_pb2.AuditEntries) -> None:
    message.entries[0].entry_id = "1"


def _short_digest(message: audit_pb2.AuditEntries) -> None:
    message.entries[0].digest = bytes(31)


def _no_time(message: audit_pb2.AuditEntries) -> None:
    message.entries[0].ClearField("recorded_at")


WRONG: dict[str, tuple[Callable[[audit_pb2.AuditEntries], None], str]] = {
    "none": (_none, "entries.entry_id"),
    "one twice": (_twice, "entries.entry_id"),
    "no id": (_no_id, "entries.entry_id"),
    "a short digest": (_short_digest, "entries.digest"),
    "no time": (_no_time, "entries.recorded_at"),
}


@pytest.mark.parametrize(("spoil", "field"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_refused_by_the_field(
    spoil: Callable[[audit_pb2.AuditEntries], None], field: str
) -> None:
    message = audit_entries_to_wire(ENTRIES)
    spoil(message)
    with pytest.raises(RejectedInput) as refused:
        audit_entries_from_wire(message)
    assert refused.value.field == field
