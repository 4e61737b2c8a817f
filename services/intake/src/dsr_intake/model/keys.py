"""What is known of the keys that wrap requests' keys, and of those that make hashes. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

__all__ = ["HashCount", "KeyCount", "Ring", "RingRow", "WrappedRow"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ring:
    """The key-encryption keys that are at hand. Never shown: it has no text of its own."""

    current: str
    """The name of the one that wraps; all of them unwrap."""

    keys: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class RingRow:
    """A ring key as it is kept: wrapped by a key service."""

    kek_id: str
    service: str
    """Which key of which key service wraps it."""

    wrapped: bytes
    made_at: datetime
    retired_at: datetime | None
    """Since when another one wraps; none while this one does."""


class KeyCount(NamedTuple):
    """How many requests' keys are wrapped under one key-encryption key."""

    kek_id: str
    keys: int
    oldest: str
    """The request whose key has been wrapped for longest; its id bears the time."""


class HashCount(NamedTuple):
    """How many open and ended requests, and holds, have hashes under one lookup key."""

    key_id: str
    open: int
    ended: int
    holds: int


class WrappedRow(NamedTuple):
    """A request's key as it is kept."""

    request_id: str
    wrapped: bytes
    kek_id: str
