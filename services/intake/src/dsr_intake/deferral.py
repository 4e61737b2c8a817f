"""What follows from closed requests by itself, as intake's layers hand it to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Right
from dsr_intake.model import FollowsWhy, LegalHold, RequestView, WrappedKey
from dsr_wire.codec.notices import SealedIdentity
from dsr_wire.codec.requests import AcceptedCohort
from dsr_wire.envelope import Outgoing

__all__ = ["Deferred", "Due", "FollowUp", "Instead", "Sealable"]


class Instead(Enum):
    """What becomes of a notice that no request is opened from."""

    LATER = auto()
    """It is kept, and due again a day later."""

    NEVER = auto()
    """It is deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """A deferred notice: an identity that one system alone opens, kept until a date."""

    request_id: RequestId
    """The closed request that the system answered."""

    system_id: SystemId
    key_id: str
    """The sealing key of the system that it was sealed to."""

    sealed_key: bytes
    places: tuple[SealedIdentity, ...]
    """The identity, sealed for the request that follows, then for those that may follow it in turn."""

    categories: tuple[str, ...]
    """What is kept; empty where that is all, and where nothing is."""

    grounds: tuple[str, ...]
    review_at: datetime
    """When the first of the exemptions is to be reviewed, or the system is to look again."""

    why: FollowsWhy = FollowsWhy.EXEMPTION_REVIEW

    @property
    def follow_up_id(self) -> RequestId:
        """The request that follows, chosen when the notice was sealed."""
        return self.places[0].request_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealable:
    """A request that is to be closed, as far as something can still be sealed for a system."""

    request_id: RequestId
    right: Right
    registry_digest: str
    ciphertext: bytes
    key: WrappedKey | None
    """None where there never was one, or none is left."""

    deferred: Deferred | None
    """The notice that the request itself was opened from."""


@dataclass(frozen=True, slots=True)
class Due:
    """A deferred notice whose date has come, and the request that it is about."""

    deferred: Deferred
    followed: RequestView


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A request that is opened from a deferred notice, as a cohort of one, and what is told of it."""

    cohort: AcceptedCohort
    regime_why: str
    record: Outgoing
    held_systems: Callable[[LegalHold], tuple[SystemId, ...] | None]
    """Which systems a hold covers of the registry version that it pins: an empty tuple means all."""
