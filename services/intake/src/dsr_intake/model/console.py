"""What the console shows, as its sources tell it. Values only; nothing of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dsr_core.ids import OrganisationId, RequestId, SystemId
from dsr_core.lifecycle import State
from dsr_core.rights import Disposition

__all__ = [
    "DUE_WITHIN",
    "DeadLetter",
    "DeadLetters",
    "DuePlace",
    "GroupLag",
    "LedgerMeasures",
    "Missing",
    "OpenStanding",
    "RequestProgress",
]

_HOUR, _DAY = 3600, 86_400
DUE_WITHIN = (0, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 45 * _DAY)
"""The bounds, in seconds from now, between which open requests are counted by their dates."""


@dataclass(frozen=True, slots=True)
class DuePlace:
    """A place in the order of legal dates: a page goes on behind it."""

    due_at: datetime
    request_id: RequestId


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStanding:
    """How many requests are open, of those that somebody sees."""

    states: Mapping[State, int]
    due: tuple[int, ...]
    """By legal date: late, then between each two of the bounds, then later than the last."""

    oldest_id: RequestId | None
    oldest_at: datetime | None
    """When it was received."""

    is_whole: bool
    """Whether all were counted; else the first by their dates, and there are more."""

    @property
    def open(self) -> int:
        """How many were counted."""
        return sum(self.states.values())

    @property
    def late(self) -> int:
        """How many are past their date."""
        return self.due[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestProgress:
    """How far one request is, by what the ledger has recorded."""

    request_id: RequestId
    is_closed: bool
    answers: Mapping[SystemId, Disposition | None]
    """Of every system that must answer; none while it has not."""

    confirmed: frozenset[SystemId] = frozenset()
    contradicted: frozenset[SystemId] = frozenset()
    held: frozenset[SystemId] = frozenset()

    @property
    def missing(self) -> tuple[SystemId, ...]:
        """The systems that have not confirmed."""
        return tuple(sorted(self.answers.keys() - self.confirmed))


@dataclass(frozen=True, slots=True)
class Missing:
    """What one system owes of all that is open."""

    organisation_id: OrganisationId
    system_id: SystemId
    obligations: int
    age_s: float
    """How long ago the oldest was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerMeasures:
    """What the verifier has counted."""

    outbox_records: int
    outbox_age_s: float
    measured_at: datetime | None
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class GroupLag:
    """What one consumer group has not committed of one topic."""

    group: str
    topic: str
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One refused record: where it is, and why. Its value is never read here."""

    topic: str
    """The topic that it was refused on."""

    place: str
    """Where it lies, as `dsr dead-letters` names it."""

    reason: str
    detail: str
    """Empty where an organisation wrote it."""

    refused_by: str
    refused_at: datetime | None
    size: int


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """How many refused records there are, and the newest of them."""

    counts: Mapping[str, int]
    """By the topic that they were refused on; no topic that has none."""

    newest: tuple[DeadLetter, ...]
