"""Sealing: an identity that only the addressed system opens.

HPKE (RFC 9180) in base mode with DHKEM-X25519, HKDF-SHA256 and ChaCha20-Poly1305. The request, the
system and the right are bound in `info`, so that a sealed identity opens in its own place only.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from google.protobuf.message import DecodeError

from dsr_contracts.v1 import notices_pb2
from dsr_core.errors import RejectedInput
from dsr_core.identity import Identifier, Identity
from dsr_core.rights import Right
from dsr_wire.keys import SealingKey

__all__ = ["open_sealed", "seal"]

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_CONTEXT = b"dsr.v1.SealedIdentity"


def seal(
    identity: Identity, *, request_id: str, system_id: str, right: Right, key: SealingKey
) -> bytes:
    """Seal an identity for one system and one request."""
    message = notices_pb2.Identity(
        identifiers=[
            notices_pb2.Identifier(kind=one.kind, value=one.value) for one in identity.identifiers
        ]
    )
    info = _info(request_id, system_id, right)
    return bytes(_SUITE.encrypt(message.SerializeToString(), key.key, info=info))


def open_sealed(
    sealed: bytes, *, request_id: str, system_id: str, right: Right, key: X25519PrivateKey
) -> Identity:
    """Open what was sealed for this system and this request.

    Raises:
        RejectedInput: It was sealed for another system, request, right or key, or was changed.
    """
    try:
        plain = _SUITE.decrypt(sealed, key, info=_info(request_id, system_id, right))
        message = notices_pb2.Identity.FromString(bytes(plain))
    except (InvalidTag, ValueError, DecodeError) as error:
        detail = "the identity was not sealed for this system, request and key"
        raise RejectedInput("cannot_open", detail) from error
    return Identity.of(Identifier(one.kind, one.value) for one in message.identifiers)


def _info(request_id: str, system_id: str, right: Right) -> bytes:
    return b"\x00".join((_CONTEXT, request_id.encode(), system_id.encode(), right.value.encode()))
