"""What systems found out about persons, as it is kept and shown: without a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_core.ids import RequestId, SystemId
from dsr_core.linking import LinkOutcome, LinkReason

__all__ = ["LinkRuling", "LinkStep", "LinksTaken", "LinksTold", "TakenAnswer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStep:
    """What became of one claim, and why."""

    request_id: RequestId
    link_id: str
    """Names the identifier, as long as the request's key lives."""

    system_id: SystemId
    sequence: int
    through: str
    kind: str
    confidence: str
    proof: str
    round: int
    outcome: LinkOutcome
    reason: LinkReason
    registry_digest: str
    """The version by which it was judged."""

    recorded_at: datetime
    was_used: bool = False
    """Whether an earlier step of the link was used, so that systems may have been told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenAnswer:
    """An answer with links, and whether they were taken in."""

    request_id: RequestId
    system_id: SystemId
    sequence: int
    outcome: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRuling:
    """What one person says of a link in conflict: whether the identifier is the data subject's."""

    request_id: RequestId
    link_id: str
    accepts: bool
    ruled_by: str
    reason: str
    ruled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksTaken:
    """What is written together once links are judged."""

    request_id: RequestId
    before: bytes
    """The ciphertext that was judged by: where it has changed since, nothing is written."""

    after: bytes
    own: tuple[bytes, ...]
    """The keyed hashes of what the person gave, under every key."""

    named: tuple[bytes, ...]
    """Those of what is used, and of what would be but for a conflict."""

    shared: frozenset[bytes]
    """Which of these other persons had when it was judged: by others it is judged anew."""

    steps: tuple[LinkStep, ...]
    answer: TakenAnswer | None = None
    ruling: LinkRuling | None = None


@dataclass(frozen=True, slots=True)
class LinksTold:
    """How many answers with links of one request the verifier has passed on."""

    told: int
    last_told_at: datetime
