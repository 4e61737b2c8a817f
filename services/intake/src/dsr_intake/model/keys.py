"""What is known of the keys that wrap requests' keys, and of those that make hashes. Values only."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

__all__ = [
    "HashCount",
    "HashedAnew",
    "HashedRow",
    "KeyCount",
    "KeyTag",
    "Ring",
    "RingRow",
    "WrappedKey",
    "WrappedRow",
    "key_name",
]


class KeyTag(NamedTuple):
    """An idempotency key and what it was sent with, both as keyed hashes."""

    key: bytes
    content: bytes
    former: tuple[tuple[bytes, bytes], ...] = ()
    """The same two under former lookup keys."""

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Every hash that the key may be kept under."""
        return (self.key, *(key for key, _ in self.former))

    @property
    def contents(self) -> tuple[bytes, ...]:
        """Every hash that the content may be kept under."""
        return (self.content, *(content for _, content in self.former))


class WrappedKey(NamedTuple):
    """A request's key, encrypted, and the name of the key that it was encrypted with."""

    wrapped: bytes
    kek_id: str


def key_name(key: bytes) -> str:
    """Return a secret key's name, which tells nothing of it."""
    return hmac.digest(key, b"key id", "sha256")[:8].hex()


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
    """What can be found under one lookup key alone."""

    key_id: str
    open: int
    """Requests that are not answered."""

    ended: int
    """Requests that are; their hashes cannot be made anew, since nobody knows who it was."""

    holds: int
    """Holds on persons in force that were placed before there was a newer key."""

    first_seen_at: datetime
    """When intake first began with it."""


class WrappedRow(NamedTuple):
    """A key as it is kept: a request's, or its package's."""

    request_id: str
    """What it is bound to: the request, or `package_binding` of it."""

    wrapped: bytes
    kek_id: str


class HashedRow(NamedTuple):
    """A request that is not answered, with what its hashes are made of."""

    request_id: str
    key: WrappedRow
    ciphertext: bytes
    right: str
    categories: tuple[str, ...]
    organisation_ids: tuple[str, ...]
    since: date | None
    uses: tuple[str, ...]


class HashedAnew(NamedTuple):
    """A request's hashes under the current lookup key."""

    request_id: str
    lookup_hashes: tuple[bytes, ...]
    person_hash: bytes
    link_hashes: tuple[tuple[bytes, bytes], ...]
    """Of each identifier that systems found: its hash under a former key, and the one under the current."""
