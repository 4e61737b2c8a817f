"""The key ring in memory: wraps and unwraps requests' keys with AES-256-GCM, asking nobody."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_intake.model import WrappedKey
from dsr_intake.ports import RingSource

__all__ = ["HeldRing"]

_NONCE_BYTES = 12

_STALE_AFTER_S = 60.0
"""A ring that could not be read for so long is not used: a key may have been destroyed meanwhile."""

_AGAIN_AFTER_S = 2.0
"""So seldom the ring is read anew for the sake of a name that is not on it."""


class HeldRing:
    """Wraps under the ring's current key; what another process has wrapped may be under a newer one.

    Nonces are random, so one key-encryption key is good for 2**32 requests (NIST SP 800-38D, 8.3).
    """

    def __init__(
        self, source: RingSource, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._monotonic = monotonic
        self._current = ""
        self._ciphers: dict[str, AESGCM] = {}
        self._read_at = float("-inf")
        self._asked_at = float("-inf")

    @property
    def source(self) -> str:
        """Where the keys come from."""
        return self._source.name

    @property
    def current(self) -> str:
        """The name of the key that wraps."""
        self._check_fresh()
        return self._current

    @property
    def known(self) -> Sequence[str]:
        """The names of all that are at hand."""
        return sorted(self._ciphers)

    async def look(self) -> str:
        """Return where keys come from and which one wraps, once the ring has been read."""
        await self.refresh()
        return f"from {self.source}, wraps under {self._current}"

    async def refresh(self) -> None:
        """Read the ring anew."""
        self._asked_at = self._monotonic()
        ring = await self._source.load()
        # Those that were there stay as they are: a name is never another key's.
        self._ciphers = {
            name: self._ciphers.get(name) or AESGCM(key) for name, key in ring.keys.items()
        }
        self._current, self._read_at = ring.current, self._monotonic()

    async def renew(self) -> str:
        """Have a new key wrap from now on."""
        made = await self._source.renew()
        await self.refresh()
        return made

    async def destroy(self, kek_id: str) -> None:
        """Destroy a key that wraps nothing any more."""
        await self._source.destroy(kek_id)
        await self.refresh()

    async def wrap(self, keys: Sequence[tuple[RequestId, bytes]]) -> list[WrappedKey]:
        """Encrypt keys, each bound to its request."""
        await self._ensure_fresh()
        kek_id = self._current
        encrypt = self._ciphers[kek_id].encrypt
        nonces = os.urandom(_NONCE_BYTES * len(keys))
        wrapped = []
        for n, (request_id, key) in enumerate(keys):
            nonce = nonces[n * _NONCE_BYTES : (n + 1) * _NONCE_BYTES]
            wrapped.append(WrappedKey(nonce + encrypt(nonce, key, request_id.encode()), kek_id))
        return wrapped

    async def unwrap(self, keys: Sequence[tuple[RequestId, WrappedKey]]) -> list[bytes]:
        """Decrypt keys."""
        await self._ensure_fresh()
        if not {key.kek_id for _, key in keys} <= self._ciphers.keys():
            await self._look_again()
        return [self._unwrap(request_id, key) for request_id, key in keys]

    async def _ensure_fresh(self) -> None:
        if self._is_stale():
            await self._look_again()
        self._check_fresh()

    def _is_stale(self) -> bool:
        return self._monotonic() - self._read_at > _STALE_AFTER_S

    def _check_fresh(self) -> None:
        if self._is_stale():
            raise Unavailable(f"the key-encryption keys of {self.source} are not at hand")

    async def _look_again(self) -> None:
        if self._monotonic() - self._asked_at > _AGAIN_AFTER_S:
            await self.refresh()

    def _unwrap(self, request_id: RequestId, key: WrappedKey) -> bytes:
        cipher = self._ciphers.get(key.kek_id)
        if cipher is None:
            raise Unavailable(f"the key-encryption key {key.kek_id} is not at hand")
        nonce, data = key.wrapped[:_NONCE_BYTES], key.wrapped[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, data, request_id.encode())
        except InvalidTag as error:
            raise Unavailable(f"the key of request {request_id} cannot be unwrapped") from error
