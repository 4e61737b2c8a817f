"""Encrypted payloads: what a workflow is told and answers is unreadable where Temporal keeps it.

Ids of workflows, search attributes and the names of activities stay in the clear, since Temporal finds
workflows by them: none of them may hold anything personal, with this or without.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from dsr_runtime.process import StartFault

__all__ = ["EncryptingCodec", "payload_keys"]

_ENCODING = b"binary/encrypted"
_KEY_ID = "encryption-key-id"
_KEY_BYTES = 32
_NONCE_BYTES = 12


def payload_keys(path: Path, *, variable: str) -> list[bytes]:
    """Return the keys that a file holds, one a line in base64; the first encrypts, all decrypt.

    Raises:
        StartFault: The file cannot be read or holds something else. The text shows nothing of it.
    """
    try:
        lines = path.read_text("ascii").split()
        keys = [base64.b64decode(line, validate=True) for line in lines]
    except OSError as error:
        raise StartFault(f"{variable}: the file cannot be read ({error.strerror})") from error
    except (binascii.Error, ValueError) as error:
        raise StartFault(f"{variable}: the file does not hold base64") from error
    if not keys or {len(key) for key in keys} != {_KEY_BYTES}:
        raise StartFault(
            f"{variable}: each line of the file must hold {_KEY_BYTES} random bytes in base64"
        )
    return keys


class EncryptingCodec(PayloadCodec):
    """Encrypts each payload with AES-256-GCM, and names the key beside it.

    What is not encrypted is read as it is, so that workflows from before go on. Nonces are random, so
    one key is good for 2**32 payloads.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._newest = _key_id(keys[0])

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt payloads, with their metadata, under the first key."""
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt payloads; what is not encrypted is returned as it is.

        Raises:
            ValueError: None of the keys opens one. The task is tried again until it is there.
        """
        return [self._decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        key_id = self._newest
        sealed = self._ciphers[key_id].encrypt(nonce, payload.SerializeToString(), key_id)
        return Payload(metadata={"encoding": _ENCODING, _KEY_ID: key_id}, data=nonce + sealed)

    def _decrypted(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCODING:
            return payload
        key_id = payload.metadata.get(_KEY_ID, b"")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise ValueError(f"no key {key_id.decode('ascii', 'replace')} for a payload")
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, key_id))
        except InvalidTag as error:
            raise ValueError("a payload was changed after it was encrypted") from error


def _key_id(key: bytes) -> bytes:
    return hmac.digest(key, b"key id", "sha256")[:8].hex().encode()
