"""Audit entries: what a person changed, as an id and a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import audit_pb2
from dsr_core.errors import RejectedInput
from dsr_wire.canonical import canonical, timestamp
from dsr_wire.codec.fields import time_from_wire, time_to_wire, uuid_texts

__all__ = ["AuditEntry", "audit_entries_from_wire", "audit_entries_to_wire", "digest_of_entry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What the evidence log holds of one entry of the audit log."""

    entry_id: str
    digest: bytes
    """SHA-256 over the canonical form of the entry, which intake keeps."""

    recorded_at: datetime


def digest_of_entry(
    *,
    entry_id: str,
    at: datetime,
    principal: str,
    kind: str,
    authentication: str,
    action: str,
    targets: Iterable[str],
    reason: str,
    outcome: str,
) -> bytes:
    """Return the SHA-256 over the one form of an entry, which the evidence log holds."""
    document = {
        "action": action,
        "at": timestamp(at),
        "authentication": authentication,
        "id": entry_id,
        "kind": kind,
        "outcome": outcome,
        "principal": principal,
        "reason": reason,
        "targets": list(targets),
    }
    return hashlib.sha256(canonical(document)).digest()


def audit_entries_to_wire(entries: Iterable[AuditEntry]) -> audit_pb2.AuditEntries:
    """Return entries as a message."""
    return audit_pb2.AuditEntries(
        entries=[
            audit_pb2.AuditEntry(
                entry_id=one.entry_id,
                digest=one.digest,
                recorded_at=time_to_wire(one.recorded_at),
            )
            for one in entries
        ],
    )


def audit_entries_from_wire(message: audit_pb2.AuditEntries) -> tuple[AuditEntry, ...]:
    """Return the entries that a message holds, in its order.

    Raises:
        RejectedInput: There is none, one comes twice, or a field is missing or wrong.
    """
    uuid_texts((one.entry_id for one in message.entries), field="entries.entry_id")
    return tuple(_entry(one) for one in message.entries)


def _entry(message: audit_pb2.AuditEntry) -> AuditEntry:
    if len(message.digest) != hashlib.sha256().digest_size:
        raise RejectedInput("invalid_field", "digest is not a SHA-256", field="entries.digest")
    return AuditEntry(
        entry_id=message.entry_id,
        digest=message.digest,
        recorded_at=time_from_wire(message.recorded_at, field="entries.recorded_at"),
    )
