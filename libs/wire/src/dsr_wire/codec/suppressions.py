"""Suppressions on the wire: one a record, and a record without a value where one ends."""

from __future__ import annotations

from dsr_contracts.v1 import suppressions_pb2
from dsr_core.suppressions import Suppression, SuppressionKind
from dsr_wire.codec.fields import (
    short,
    suppression_kind_from_wire,
    suppression_kind_to_wire,
    time_from_wire,
    time_to_wire,
)

__all__ = [
    "suppression_from_wire",
    "suppression_key",
    "suppression_to_wire",
]


def suppression_key(kind: SuppressionKind, digest: bytes) -> str:
    """Return the key of a record: what is said of one entry replaces what was said before."""
    return f"{kind.value}/{digest.hex()}"


def suppression_to_wire(one: Suppression) -> suppressions_pb2.Suppression:
    """Return an entry as a message."""
    return suppressions_pb2.Suppression(
        kind=suppression_kind_to_wire(one.kind),
        digest=one.digest,
        key_id=one.key_id,
        since=time_to_wire(one.since),
    )


def suppression_from_wire(message: suppressions_pb2.Suppression) -> Suppression:
    """Read an entry.

    Raises:
        RejectedInput: It is none.
    """
    return Suppression(
        kind=suppression_kind_from_wire(message.kind, field="kind"),
        digest=message.digest,
        key_id=short(message.key_id, field="key_id"),
        since=time_from_wire(message.since, field="since"),
    )
