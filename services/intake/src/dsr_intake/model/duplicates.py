"""Requests that may be repeated: what intake's layers hand to each other of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_core.ids import RequestId

__all__ = ["OpenTwin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTwin:
    """An open request of somebody whose identity is proven."""

    person_hash: bytes
    request_id: RequestId
    jurisdiction: str
    regime: str
    rules_digest: str
    registry_digest: str
    due_at: datetime
    may_be_repeated: bool
    """Whether its date is sure to come: no answer of the person is awaited that could move it."""

    may_be_brought_forward: bool
    """Whether its date counts from receipt and proof alone: nobody has moved it by a decision."""
