"""Key-encryption keys, and requests' keys as a whole. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from dsr_intake.model import (
    HashCount,
    HashedAnew,
    HashedRow,
    KeyCount,
    Ring,
    RingRow,
    WrappedKey,
    WrappedRow,
)

__all__ = [
    "HashStore",
    "KeyRing",
    "KeyService",
    "KeyStore",
    "Rehash",
    "Rewrap",
    "RingSource",
    "RingStore",
]


class RingSource(Protocol):
    """Where key-encryption keys come from."""

    @property
    def name(self) -> str:
        """What it is, for people: a file, or which key of which key service."""
        ...

    async def load(self) -> Ring:
        """Return the keys that are there now.

        Raises:
            Unavailable: They cannot be had now; the text says why.
        """
        ...

    async def renew(self) -> str:
        """Have a new key wrap from now on, and return its name; those before still unwrap.

        Raises:
            RuleViolation: These keys are made by people; the text says how they are replaced.
            Unavailable: The key service or the store is away.
        """
        ...

    async def destroy(self, kek_id: str) -> None:
        """Destroy a key that wraps nothing any more.

        Raises:
            RuleViolation: There is none of that name that can be destroyed here and now.
            Unavailable: The store is away.
        """
        ...


class KeyRing(Protocol):
    """The key-encryption keys that a process has in memory."""

    @property
    def source(self) -> str:
        """Where they come from, for people."""
        ...

    @property
    def current(self) -> str:
        """The name of the key that wraps.

        Raises:
            Unavailable: The ring has not been read, or not for too long.
        """
        ...

    @property
    def known(self) -> Sequence[str]:
        """The names of all that are at hand."""
        ...

    async def refresh(self) -> None:
        """Read the ring anew; what is known stays in force for a while where that fails.

        Raises:
            Unavailable: It cannot be read; the text says why.
        """
        ...

    async def renew(self) -> str:
        """As `RingSource.renew`."""
        ...

    async def destroy(self, kek_id: str) -> None:
        """As `RingSource.destroy`."""
        ...


class KeyService(Protocol):
    """A service with a key that never leaves it, and that encrypts other keys under it."""

    @property
    def name(self) -> str:
        """Which key of which service, for people and for the record."""
        ...

    async def make(self, kek_id: str) -> tuple[bytes, bytes]:
        """Return 32 new random bytes, and the same encrypted, bound to a name.

        Raises:
            Unavailable: The service is away, or refuses; the text says which.
        """
        ...

    async def open(self, kek_id: str, wrapped: bytes) -> bytes:
        """Decrypt what `make` gave for a name.

        Raises:
            Unavailable: The service is away, refuses, or did not make it for that name.
        """
        ...


class RingStore(Protocol):
    """Keeps ring keys, each wrapped by a key service."""

    async def rows(self) -> list[RingRow]:
        """Return every ring key, the oldest first."""
        ...

    async def add(self, row: RingRow, *, after: str | None) -> bool:
        """Keep a key that wraps from now on, and retire the one before.

        Nothing happens where that one is not the newest any more: another process was first.

        Returns:
            Whether it was kept.
        """
        ...

    async def destroy(self, kek_id: str, *, retired_before: datetime) -> bool:
        """Delete a ring key that has retired before a time and wraps nothing.

        Returns:
            Whether there was such a one.
        """
        ...


Rewrap = Callable[[Sequence[WrappedRow]], Awaitable[Sequence[WrappedKey]]]
"""Gives the same keys wrapped anew, in order; called inside the transaction."""


class KeyStore(Protocol):
    """The wrapped keys of requests, as a whole."""

    async def count(self) -> list[KeyCount]:
        """Return how many keys are wrapped under each key-encryption key, the most first."""
        ...

    async def rewrap(self, again: Rewrap, *, under: Sequence[str], limit: int) -> int:
        """Replace at most `limit` keys that are wrapped under some key-encryption keys.

        In one transaction, in which they stay locked; those that somebody else has locked are left
        for later.

        Returns:
            How many were replaced.
        """
        ...

    async def clean(self) -> None:
        """Have the database drop the rows of keys that were destroyed or replaced.

        Safe to repeat, and while keys are written; `docs/keys.md` says what is left afterwards.
        """
        ...


Rehash = Callable[[Sequence[HashedRow]], Awaitable[Sequence[HashedAnew]]]
"""Gives the same requests' hashes under the current lookup key; called inside the transaction."""


class HashStore(Protocol):
    """The keyed hashes of requests and holds, as a whole."""

    async def note(self, key_ids: Sequence[str], *, at: datetime) -> Sequence[str]:
        """Keep the names of lookup keys that are new, given the oldest first; return all names."""
        ...

    async def hashes(self) -> list[HashCount]:
        """Return what can be found under each lookup key alone; it reads every request."""
        ...

    async def rehash(self, again: Rehash, *, key_id: str, limit: int) -> tuple[int, int]:
        """Replace the hashes of at most `limit` requests that are not answered, in one transaction.

        The former hashes stay beside the new ones, so that holds from before still find them. Those of
        what systems found for these requests get new ones as well.

        Returns:
            How many were replaced, and how many are left.
        """
        ...
