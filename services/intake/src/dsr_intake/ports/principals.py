"""What finding out who calls needs from outside. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from dsr_intake.model.principals import ClientRow, Principal, StoredKey

__all__ = ["ApiClientStore", "Tokens"]


class ApiClientStore(Protocol):
    """Who has an API key; of its secret a hash alone."""

    async def add(self, client: ClientRow, secret_hash: bytes, *, reason: str) -> None:
        """Keep a client."""
        ...

    async def stored(self, client_id: str) -> StoredKey | None:
        """Return what a client's keys are compared with; none for an unknown or revoked client."""
        ...

    async def rotate(
        self,
        client_id: str,
        secret_hash: bytes,
        *,
        expires_at: datetime | None,
        former_until: datetime,
        reason: str,
    ) -> ClientRow | None:
        """Give a client another key; none where there is no such client, or it is revoked.

        The one before is good until `former_until`, or its own end where that is earlier; the one
        before that ends.
        """
        ...

    async def receive(
        self, client_id: str, recipient: str | None, *, reason: str
    ) -> ClientRow | None:
        """Say what packages for a client's callback are encrypted to; none for a client that may have none.

        None is returned where there is no such client, it is revoked, or it is a person's.
        """
        ...

    async def all(self) -> Sequence[ClientRow]:
        """Return every client, the oldest first."""
        ...

    async def revoke(self, client_id: str, *, at: datetime, reason: str) -> bool:
        """Revoke a client, once and for all; false where there is none."""
        ...


class Tokens(Protocol):
    """Bearer tokens that an identity provider signs."""

    async def principal_of(self, token: str) -> Principal | None:
        """Return whom a token names; none where it is not good, or not for us.

        Raises:
            Unavailable: Its key is not known, and the provider's keys cannot be read.
        """
        ...
