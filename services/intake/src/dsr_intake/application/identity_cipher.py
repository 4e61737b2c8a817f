"""The encryption of one request's identity under that request's own key."""

from __future__ import annotations

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_core.errors import Unavailable
from dsr_core.identity import Identifier, Identity

__all__ = ["KEY_BYTES", "NONCE_BYTES", "decrypt", "encrypt"]

KEY_BYTES = 32
NONCE_BYTES = 12


def encrypt(identity: Identity, *, request_id: str, key: bytes, nonce: bytes) -> bytes:
    """Encrypt an identity with AES-256-GCM, bound to its request; the nonce comes first."""
    plain = orjson.dumps([(one.kind, one.value) for one in identity.identifiers])
    return nonce + AESGCM(key).encrypt(nonce, plain, request_id.encode())


def decrypt(ciphertext: bytes, *, request_id: str, key: bytes) -> Identity:
    """Decrypt what `encrypt` made.

    Raises:
        Unavailable: The key or the request is another one.
    """
    try:
        plain = AESGCM(key).decrypt(
            ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], request_id.encode()
        )
    except InvalidTag as error:
        raise Unavailable(f"the identity of request {request_id} cannot be decrypted") from error
    return Identity.of(Identifier(kind, value) for kind, value in orjson.loads(plain))
