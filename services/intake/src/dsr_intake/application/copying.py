"""Copying: what the verifier is told where no erasure waits for a copy any more."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from dsr_core.ids import RequestId
from dsr_intake.application.forming import SOURCE
from dsr_wire.codec.copies import SettledCopy, copy_settled_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import COPIES

__all__ = ["copies_settled"]

_EVENTS = uuid.UUID("3a6c9d0e-8b17-5c52-a4f3-1f0d7be2c965")
"""The namespace of the ids of what is told here: the same copy has the same id for ever."""


def copies_settled(request_ids: Iterable[RequestId], at: datetime) -> list[Outgoing]:
    """Return the records that no erasure waits for the copies of these requests any more."""
    return [
        encode(
            copy_settled_to_wire(SettledCopy(request_id=one, settled_at=at)),
            topic=COPIES.name,
            key=one,
            event_id=str(uuid.uuid5(_EVENTS, one)),
            source=SOURCE,
            at=at,
        )
        for one in request_ids
    ]
