"""Keys in files: the wrapper that development and small installations use, and the lookup key."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_intake.model import WrappedKey
from dsr_runtime.process import StartFault

__all__ = ["FileKeyWrapper", "read_key"]

_KEY_BYTES = 32
_NONCE_BYTES = 12


def read_key(path: Path, *, variable: str) -> bytes:
    """Return the key that a file holds.

    Raises:
        StartFault: The file cannot be read or holds something else. The text shows nothing of it.
    """
    try:
        key = base64.b64decode(path.read_text("ascii").strip(), validate=True)
    except OSError as error:
        raise StartFault(f"{variable}: the file cannot be read ({error.strerror})") from error
    except (binascii.Error, ValueError) as error:
        raise StartFault(f"{variable}: the file does not hold base64") from error
    if len(key) != _KEY_BYTES:
        raise StartFault(f"{variable}: the file must hold {_KEY_BYTES} random bytes in base64")
    return key


class FileKeyWrapper:
    """Wraps with AES-256-GCM under a key from a file.

    Nonces are random, so one key-encryption key is good for 2**32 requests.
    """

    def __init__(self, key_encryption_key: bytes) -> None:
        self._cipher = AESGCM(key_encryption_key)
        self._kek_id = hmac.digest(key_encryption_key, b"key id", "sha256")[:8].hex()

    async def wrap(self, keys: Sequence[tuple[RequestId, bytes]]) -> list[WrappedKey]:
        """Encrypt keys, each bound to its request."""
        encrypt, kek_id = self._cipher.encrypt, self._kek_id
        nonces = os.urandom(_NONCE_BYTES * len(keys))
        wrapped = []
        for n, (request_id, key) in enumerate(keys):
            nonce = nonces[n * _NONCE_BYTES : (n + 1) * _NONCE_BYTES]
            wrapped.append(WrappedKey(nonce + encrypt(nonce, key, request_id.encode()), kek_id))
        return wrapped

    async def unwrap(self, keys: Sequence[tuple[RequestId, WrappedKey]]) -> list[bytes]:
        """Decrypt keys."""
        return [self._unwrap(request_id, key) for request_id, key in keys]

    def _unwrap(self, request_id: RequestId, key: WrappedKey) -> bytes:
        if key.kek_id != self._kek_id:
            raise Unavailable(f"the key-encryption key {key.kek_id} is not at hand")
        nonce, data = key.wrapped[:_NONCE_BYTES], key.wrapped[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, data, request_id.encode())
        except InvalidTag as error:
            raise Unavailable(f"the key of request {request_id} cannot be unwrapped") from error
