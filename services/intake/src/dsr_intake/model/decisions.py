"""Decisions and legal holds, as they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition

__all__ = ["DecisionEntry", "Held", "LegalHold", "Proposal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionEntry:
    """What somebody decided about a request, as it is kept for ever; without personal data."""

    request_id: RequestId
    revision: int
    """Of the command that tells of it."""

    kind: str
    decided_by: str
    reason: str
    effective_at: datetime
    recorded_at: datetime
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold:
    """An order that suspends erasure, of one request or of everything of a person."""

    hold_id: str
    request_id: RequestId | None
    """The request that it is about; none where it is about a person, kept as keyed hashes only."""

    authority: str
    """Who ordered it."""

    reason: str
    placed_by: str
    system_ids: tuple[SystemId, ...] = ()
    categories: tuple[str, ...] = ()
    """What it covers of systems and categories; both empty means everything."""

    effective_at: datetime
    recorded_at: datetime
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    lift_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A hold that covers a request and is not lifted."""

    hold: LegalHold
    request_id: RequestId
    system_ids: tuple[SystemId, ...]
    """The systems that are held; empty means all of them."""

    held_at: datetime | None
    """When the request was put on hold; none while its state does not allow it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An answer in place of a system, which one person proposes and another approves."""

    proposal_id: str
    request_id: RequestId
    system_id: SystemId
    disposition: Disposition
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
