"""Resolving: that a system which knows a person by one kind of identifier can find out another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Confidence", "Resolution"]


class Confidence(StrEnum):
    """How sure it is that two identifiers name the same person."""

    PROBABLE = "probable"
    """Likely, as by the same device or a like name."""

    VERIFIED = "verified"
    """Proven to the system, as by a login or a contract."""


@dataclass(frozen=True, slots=True, order=True)
class Resolution:
    """One pair of kinds, and how sure a system can be of it at most."""

    from_kind: str
    """One of the kinds that the system knows people by."""

    to_kind: str
    confidence: Confidence
