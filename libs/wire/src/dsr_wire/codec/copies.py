"""CopySettled: what intake tells the verifier of the copy that a request asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import copies_pb2
from dsr_core.ids import RequestId
from dsr_wire.codec.fields import time_from_wire, time_to_wire, uuid_text

__all__ = ["SettledCopy", "copy_settled_from_wire", "copy_settled_to_wire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledCopy:
    """No erasure waits any more for the copy that a request asked for."""

    request_id: RequestId
    settled_at: datetime


def copy_settled_to_wire(one: SettledCopy) -> copies_pb2.CopySettled:
    """Return what is said of a copy as a message."""
    return copies_pb2.CopySettled(
        request_id=one.request_id, settled_at=time_to_wire(one.settled_at)
    )


def copy_settled_from_wire(message: copies_pb2.CopySettled) -> SettledCopy:
    """Return what a message says of a copy.

    Raises:
        RejectedInput: A field is missing or wrong.
    """
    return SettledCopy(
        request_id=RequestId(uuid_text(message.request_id, field="request_id")),
        settled_at=time_from_wire(message.settled_at, field="settled_at"),
    )
