"""The address of a package's letters: under the package's key, since the request's is destroyed before."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_intake.application.packages.pieces import derived
from dsr_wire.sealing_keys import PrivateSealingKey

__all__ = ["locked_contact", "opened_contact"]

_NONCE_BYTES = 12


def locked_contact(address: str, key: PrivateSealingKey, request_id: RequestId) -> bytes:
    """Return an address encrypted for as long as the package's key lives; empty for none."""
    if not address:
        return b""
    nonce = os.urandom(_NONCE_BYTES)
    cipher = AESGCM(derived(key, request_id, "contact"))
    return nonce + cipher.encrypt(nonce, address.encode(), request_id.encode())


def opened_contact(locked: bytes, key: PrivateSealingKey, request_id: RequestId) -> str:
    """Return the address.

    Raises:
        Unavailable: The key is another package's.
    """
    cipher = AESGCM(derived(key, request_id, "contact"))
    try:
        plain = cipher.decrypt(locked[:_NONCE_BYTES], locked[_NONCE_BYTES:], request_id.encode())
    except InvalidTag as error:
        raise Unavailable(f"the address of package {request_id} cannot be decrypted") from error
    return plain.decode()
