"""Sealing: identities that only the addressed system opens.

A notice to a system has a content key of its own, which is sealed to the system once: HPKE (RFC 9180)
in base mode with DHKEM-X25519, or with MLKEM768-X25519 where the system registered such a key, with
HKDF-SHA256 and ChaCha20-Poly1305, the system and the right bound in `info`. Each identity is encrypted under the content key with ChaCha20-Poly1305 (RFC 8439), its request
bound as associated data. So an identity opens in its own place only, and the costly part of sealing
is paid once a notice and system, whatever the number of requests (ADR 9).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from google.protobuf.message import DecodeError

from dsr_contracts.v1 import notices_pb2
from dsr_core.corrections import NOTHING, Correction, Rectification
from dsr_core.errors import RejectedInput
from dsr_core.identity import Identifier, Identity
from dsr_core.rights import Right
from dsr_wire.sealing_keys import PrivateSealingKey, SealingAlgorithm, SealingKey

__all__ = ["Addressed", "Opener", "Sealer", "suite_of"]

_SUITES = {
    SealingAlgorithm.X25519: Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305),
    SealingAlgorithm.HYBRID: Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305),
}
_CONTEXT = b"dsr.v1.SystemNotice"
_KEY_BYTES = 32
_NONCE_BYTES = 12


def suite_of(algorithm: SealingAlgorithm) -> Suite:
    """Return the suite of HPKE that goes with a sealing key."""
    return _SUITES[algorithm]


@dataclass(frozen=True, slots=True)
class Addressed:
    """What one system is told under one request."""

    identity: Identity
    package_key: bytes
    """X25519 public key that an export is sealed to; empty where none is asked for."""

    rectification: Rectification = NOTHING
    """What is to be put right; nothing but for correction."""

    link_key: bytes = b""
    """X25519 public key that links are sealed to; empty where the registry lets the system resolve nothing."""


class Sealer:
    """Seals identities for one system, under a content key that is used nowhere else.

    Attributes:
        sealed_key: The content key, sealed to the system; it goes into the notice.
    """

    def __init__(self, *, system_id: str, right: Right, key: SealingKey) -> None:
        content_key = os.urandom(_KEY_BYTES)
        info = _info(system_id, right)
        self.sealed_key = bytes(suite_of(key.algorithm).encrypt(content_key, key.key, info=info))
        self._cipher = ChaCha20Poly1305(content_key)
        self._sealed = 0

    def seal(
        self,
        identity: Identity,
        *,
        request_id: str,
        package_key: bytes = b"",
        rectification: Rectification | None = None,
        link_key: bytes = b"",
    ) -> bytes:
        """Return an identity, sealed for one request; the nonce comes first.

        Args:
            identity: Whom the request is about.
            request_id: The request.
            package_key: For access, the public key that exports are sealed to. It is inside what is
                sealed, so that nobody on the way can put another in its place.
            rectification: For correction, what is to be put right.
            link_key: For a system that resolves, the public key that links are sealed to.
        """
        wanted = rectification or NOTHING
        message = notices_pb2.Identity(
            identifiers=[
                notices_pb2.Identifier(kind=one.kind, value=one.value)
                for one in identity.identifiers
            ],
            package_key=package_key,
            corrections=[
                notices_pb2.Correction(category=one.category, old_value=one.old, new_value=one.new)
                for one in wanted.corrections
            ],
            statement=wanted.statement,
            link_key=link_key,
        )
        # A count is never used twice under one key, which is all that a nonce must be.
        nonce = self._sealed.to_bytes(_NONCE_BYTES, "big")
        self._sealed += 1
        return nonce + self._cipher.encrypt(nonce, message.SerializeToString(), request_id.encode())


class Opener:
    """Opens what was sealed for one system under one content key."""

    def __init__(
        self, sealed_key: bytes, *, system_id: str, right: Right, key: PrivateSealingKey
    ) -> None:
        """Open the content key.

        Raises:
            RejectedInput: It was sealed for another system, right or key, or was changed.
        """
        try:
            content_key = suite_of(key.algorithm).decrypt(
                sealed_key, key.key, info=_info(system_id, right)
            )
            self._cipher = ChaCha20Poly1305(bytes(content_key))
        except (InvalidTag, ValueError) as error:
            detail = "the identities were not sealed for this system, right and key"
            raise RejectedInput("cannot_open", detail) from error

    def open(self, sealed: bytes, *, request_id: str) -> Identity:
        """Return an identity that was sealed for this request.

        Raises:
            RejectedInput: It was sealed for another request or notice, or was changed.
        """
        return self.open_addressed(sealed, request_id=request_id).identity

    def open_addressed(self, sealed: bytes, *, request_id: str) -> Addressed:
        """Return an identity that was sealed for this request, and what came along with it.

        Raises:
            RejectedInput: It was sealed for another request or notice, or was changed.
        """
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            plain = self._cipher.decrypt(nonce, ciphertext, request_id.encode())
            message = notices_pb2.Identity.FromString(plain)
        except (InvalidTag, ValueError, DecodeError) as error:
            detail = "the identity was not sealed for this request and notice"
            raise RejectedInput("cannot_open", detail) from error
        identity = Identity.of(Identifier(one.kind, one.value) for one in message.identifiers)
        corrections = tuple(
            Correction(one.category, one.new_value, one.old_value) for one in message.corrections
        )
        return Addressed(
            identity,
            message.package_key,
            Rectification(corrections, message.statement),
            message.link_key,
        )


def _info(system_id: str, right: Right) -> bytes:
    return b"\x00".join((_CONTEXT, system_id.encode(), right.value.encode()))
