"""API clients: who may submit requests, told apart by a key that is shown once."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from dsr_core.errors import RejectedInput
from dsr_intake.application.clock import Clock
from dsr_intake.model import ClientRow
from dsr_intake.ports import ApiClientStore

__all__ = ["ApiClients", "NewClient"]

_KEY = re.compile(r"dsr_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,100}")
_CACHED_S = 30.0
_CACHE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client that has just been made."""

    client_id: str
    name: str
    api_key: str = field(repr=False)
    """The whole key; only the hash of its secret part is kept."""


class ApiClients:
    """Makes, knows and revokes clients.

    A key that was found good is believed for 30 seconds, so that the hot path asks no database; a
    revocation reaches other replicas in that time, and this one at once.
    """

    def __init__(self, store: ApiClientStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._good: dict[bytes, tuple[str, float]] = {}

    async def client_of(self, api_key: str) -> str | None:
        """Return the client that a key is of; none where it is no key, wrong or revoked."""
        digest = hashlib.sha256(api_key.encode()).digest()
        known = self._good.get(digest)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        matched = _KEY.fullmatch(api_key)
        if matched is None:
            return None
        client_id, secret = matched.groups()
        expected = await self._store.secret_hash(client_id)
        given = hashlib.sha256(secret.encode()).digest()
        if expected is None or not hmac.compare_digest(expected, given):
            self._good.pop(digest, None)
            return None
        if len(self._good) >= _CACHE_LIMIT:
            self._good.clear()
        self._good[digest] = (client_id, time.monotonic() + _CACHED_S)
        return client_id

    async def add(self, name: str) -> NewClient:
        """Make a client.

        Raises:
            RejectedInput: The name is empty, too long, or holds control characters.
        """
        name = name.strip()
        if _NAME.fullmatch(name) is None:
            detail = "1 to 100 characters, none of them a control character"
            raise RejectedInput("invalid_name", detail, field="name")
        client_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        hashed = hashlib.sha256(secret.encode()).digest()
        await self._store.add(client_id, name, hashed, at=self._clock())
        return NewClient(client_id, name, f"dsr_{client_id}_{secret}")

    async def all(self) -> Sequence[ClientRow]:
        """Return every client, the oldest first."""
        return await self._store.all()

    async def revoke(self, client_id: str) -> bool:
        """Revoke a client; false where there is none. Safe to repeat."""
        found = await self._store.revoke(client_id, at=self._clock())
        self._good = {
            digest: known for digest, known in self._good.items() if known[0] != client_id
        }
        return found
