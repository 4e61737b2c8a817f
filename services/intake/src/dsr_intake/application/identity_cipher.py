"""The encryption of one request's identity under that request's own key."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_core.corrections import Correction, Rectification
from dsr_core.errors import Unavailable
from dsr_core.identity import Identifier, Identity

__all__ = ["KEY_BYTES", "NONCE_BYTES", "decrypt", "decrypt_whole", "encrypt"]

KEY_BYTES = 32
NONCE_BYTES = 12


def encrypt(
    identity: Identity,
    *,
    request_id: str,
    key: bytes,
    nonce: bytes,
    rectification: Rectification | None = None,
) -> bytes:
    """Encrypt an identity with AES-256-GCM, bound to its request; the nonce comes first.

    What is to be put right comes along where there is anything.
    """
    plain: object = [(one.kind, one.value) for one in identity.identifiers]
    if rectification is not None:
        plain = {
            "identifiers": plain,
            "corrections": [(one.category, one.new, one.old) for one in rectification.corrections],
            "statement": rectification.statement,
        }
    return nonce + AESGCM(key).encrypt(nonce, orjson.dumps(plain), request_id.encode())


def decrypt(ciphertext: bytes, *, request_id: str, key: bytes) -> Identity:
    """Decrypt the identity that `encrypt` was given.

    Raises:
        Unavailable: The key or the request is another one.
    """
    return decrypt_whole(ciphertext, request_id=request_id, key=key)[0]


def decrypt_whole(
    ciphertext: bytes, *, request_id: str, key: bytes
) -> tuple[Identity, Rectification | None]:
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
    content = orjson.loads(plain)
    if isinstance(content, list):
        return _identity(content), None
    corrections = tuple(Correction(*one) for one in content["corrections"])
    return _identity(content["identifiers"]), Rectification(corrections, content["statement"])


def _identity(pairs: Iterable[tuple[str, str]]) -> Identity:
    return Identity.of(Identifier(kind, value) for kind, value in pairs)
