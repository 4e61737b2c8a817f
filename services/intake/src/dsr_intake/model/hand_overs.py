"""Packages on their way to the callbacks of API clients. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dsr_core.ids import RequestId
from dsr_intake.model.webhooks import Webhook

__all__ = [
    "PART_BYTES",
    "HandOver",
    "HandOverEnd",
    "HandOverView",
    "Receiver",
    "Settled",
    "parts_of",
]

PART_BYTES = 8 * 1024 * 1024
"""How long each part is; the last one may be shorter. It is the contract with whoever receives."""


def parts_of(size: int) -> int:
    """Return how many parts a file of a size has."""
    return -(-size // PART_BYTES)


class HandOverEnd(StrEnum):
    """How the hand-over of a package has ended."""

    HANDED_OVER = "handed_over"
    """Each part is confirmed."""

    GIVEN_UP = "given_up"
    """A part was not taken for two days."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    REQUEST_ENDED = "request_ended"
    """The request was withdrawn, or ended in another way without being followed."""

    OF_ANOTHER_CLIENT = "of_another_client"
    """It is the package of a request of another client, who is nothing to this one."""

    NOT_ALLOWED = "not_allowed"
    """The client may have no packages any more."""

    NO_WEBHOOK = "no_webhook"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Whether an API client can have packages."""

    recipient: str | None
    """What they are encrypted to; none where it may have none."""

    has_webhook: bool
    """Whether there is one, and it is not disabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """One package on its way to one callback, claimed by who sends the next part."""

    request_id: RequestId
    number: int
    """Of the package."""

    package_id: RequestId
    """The request whose package it is."""

    webhook: Webhook
    recipient: str
    """Whom the package is encrypted to: the requester's own key, where the request has one."""

    is_requesters: bool
    """Whether that is the requester's own."""

    begun_for: str | None
    """Whom the file is for whose parts are confirmed; none before the first."""

    parts_confirmed: int
    tries: int
    """How often the next part was not taken."""

    claim_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverView:
    """How a package's way to a callback stands."""

    number: int
    wanted_at: datetime
    begun_at: datetime | None
    size: int | None
    """Of the encrypted file; none before it is begun."""

    parts_confirmed: int
    tries: int
    next_try_at: datetime | None
    settled_at: datetime | None
    result: str | None
    """How it has ended."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a hand-over has ended, and what its client is told of it."""

    end: HandOverEnd
    details: Mapping[str, object]
    said: str = ""
    """What the audit log says besides."""
