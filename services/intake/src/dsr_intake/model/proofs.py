"""Who asks, and whether they may: what intake's layers hand to each other of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from dsr_core.law.proofs import Evidence
from dsr_intake.model.decisions import DecisionEntry
from dsr_wire.envelope import Outgoing

__all__ = ["AuthorityShown", "Code", "CodeLimits", "RequesterEvidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a one-time code is derived from; the newest of its request."""

    number: int
    nonce: bytes = field(repr=False)
    expires_at: datetime


class CodeLimits(NamedTuple):
    """How often codes may be tried, and asked for."""

    tries: int
    """Of one code."""

    pause: timedelta
    """Between two codes of a request."""

    window: timedelta
    window_codes: int
    """Codes of a request within the window."""


class RequesterEvidence(NamedTuple):
    """What shows that a requester may ask for another person, as the client keeps it."""

    kind: Evidence
    reference: str
    """Names the document in the client's own records; no personal data."""

    given_on: date | None


class AuthorityShown(NamedTuple):
    """It is shown that a requester may ask for another person, and what is told of it."""

    entry: DecisionEntry
    """Why it is believed, and by whom."""

    records: tuple[Outgoing, ...]
