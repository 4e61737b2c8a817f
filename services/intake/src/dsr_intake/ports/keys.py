"""The keys of requests, and those of the API's clients. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from dsr_core.ids import RequestId
from dsr_intake.model import ClientRow, WrappedKey

__all__ = [
    "ApiClientStore",
    "KeyWrapper",
]


class KeyWrapper(Protocol):
    """Encrypts requests' keys under a key-encryption key that never leaves it.

    Both calls take lists, since a key service is asked over the network.
    """

    async def wrap(self, keys: Sequence[tuple[RequestId, bytes]]) -> list[WrappedKey]:
        """Encrypt keys, each bound to its request; in the order given.

        Raises:
            Unavailable: The key service does not answer.
        """
        ...

    async def unwrap(self, keys: Sequence[tuple[RequestId, WrappedKey]]) -> list[bytes]:
        """Decrypt keys; in the order given.

        Raises:
            Unavailable: The key service does not answer, or does not hold that key-encryption key.
        """
        ...


class ApiClientStore(Protocol):
    """The clients of the public API."""

    async def add(self, client_id: str, name: str, secret_hash: bytes, *, at: datetime) -> None:
        """Keep a client."""
        ...

    async def secret_hash(self, client_id: str) -> bytes | None:
        """Return the SHA-256 of a client's secret; none for an unknown or revoked client."""
        ...

    async def all(self) -> Sequence[ClientRow]:
        """Return every client, the oldest first."""
        ...

    async def revoke(self, client_id: str, *, at: datetime) -> bool:
        """Revoke a client, once and for all; false where there is none."""
        ...
