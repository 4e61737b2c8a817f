"""Letters to requesters, as they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from dsr_core.ids import RequestId

__all__ = ["NOT_IN_TIME", "Letter", "LetterKind", "LetterState", "LettersStanding"]

NOT_IN_TIME = "not_sent_in_time"
"""The reason of a letter that was given up without anybody's doing."""


class LetterKind(StrEnum):
    """What a letter to the requester says."""

    RECEIVED = "received"
    IDENTITY_NEEDED = "identity_needed"
    EXTENDED = "extended"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    NOT_VERIFIED = "not_verified"
    REFERRED = "referred"
    PACKAGE_PARTIAL = "package_partial"
    PACKAGE_LINK = "package_link"
    PACKAGE_CODE = "package_code"


class LetterState(StrEnum):
    """How a letter stands."""

    WAITING = "waiting"
    SENT = "sent"
    """The mail server has it."""

    BOUNCED = "bounced"
    """It was refused for good, or came back."""

    GIVEN_UP = "given_up"
    """It was not sent, and nobody tries any more: on record, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter to the requester; its text is made when it is sent, and not kept."""

    request_id: RequestId
    kind: LetterKind
    number: int
    """Of the letters of its kind to this request, from 1."""

    state: LetterState
    tries: int
    next_try_at: datetime | None
    waiting_since: datetime
    settled_at: datetime | None
    reason: str | None
    """Why it bounced or was given up; without personal data."""

    traceparent: str | None = None
    """The span that had it written, where spans are recorded."""


class LettersStanding(NamedTuple):
    """How the letters of one kind stand that have not reached the mail server."""

    kind: LetterKind
    waiting: int
    oldest: datetime | None
    """Since when the oldest waits; none where none does."""

    given_up: int
    """All that ever were."""
