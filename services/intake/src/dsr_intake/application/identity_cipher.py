"""The encryption of one request's identity under that request's own key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_core.corrections import Correction, Rectification
from dsr_core.errors import Unavailable
from dsr_core.identity import Identifier, Identity
from dsr_core.ids import SystemId
from dsr_core.linking import Claim, Link, LinkProof
from dsr_core.resolving import Confidence

__all__ = [
    "KEY_BYTES",
    "NONCE_BYTES",
    "Kept",
    "decrypt",
    "decrypt_kept",
    "encrypt",
    "encrypt_kept",
]

KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of whom a request is about."""

    given: Identity
    """What the person gave."""

    rectification: Rectification | None = None
    """What is to be put right; none but for correction."""

    linked: tuple[Identifier, ...] = ()
    """What systems found out besides, and is used."""

    claims: tuple[Claim, ...] = ()
    """All that systems said, used or not."""

    rulings: tuple[tuple[Identifier, bool], ...] = ()
    """What people have decided: whether an identifier is the person's."""

    @property
    def told(self) -> Identity:
        """Whom systems are told of."""
        return Identity.of((*self.given.identifiers, *self.linked))


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
    plain: object = _pairs(identity.identifiers)
    if rectification is not None:
        plain = {
            "identifiers": plain,
            "corrections": [(one.category, one.new, one.old) for one in rectification.corrections],
            "statement": rectification.statement,
        }
    return nonce + AESGCM(key).encrypt(nonce, orjson.dumps(plain), request_id.encode())


def encrypt_kept(kept: Kept, *, request_id: str, key: bytes, nonce: bytes) -> bytes:
    """Encrypt all that is kept of whom a request is about, as `encrypt` does."""
    wanted = kept.rectification
    plain = {
        "identifiers": _pairs(kept.given.identifiers),
        "corrections": [(one.category, one.new, one.old) for one in wanted.corrections]
        if wanted
        else None,
        "statement": wanted.statement if wanted else "",
        "linked": _pairs(kept.linked),
        "claims": [
            (
                one.system_id,
                one.sequence,
                *(one.link.identifier.kind, one.link.identifier.value),
                *(one.link.through, one.link.confidence.value, one.link.proof.value),
            )
            for one in kept.claims
        ],
        "rulings": [(one.kind, one.value, is_theirs) for one, is_theirs in kept.rulings],
    }
    return nonce + AESGCM(key).encrypt(nonce, orjson.dumps(plain), request_id.encode())


def decrypt(ciphertext: bytes, *, request_id: str, key: bytes) -> Identity:
    """Decrypt what the person gave: whom letters go to, and by whom a request is found again.

    Raises:
        Unavailable: The key or the request is another one.
    """
    return decrypt_kept(ciphertext, request_id=request_id, key=key).given


def decrypt_kept(ciphertext: bytes, *, request_id: str, key: bytes) -> Kept:
    """Decrypt what `encrypt` or `encrypt_kept` made.

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
        return Kept(_identity(content))
    wanted: Rectification | None = None
    if content["corrections"] is not None:
        corrections = tuple(Correction(*one) for one in content["corrections"])
        wanted = Rectification(corrections, content["statement"])
    return Kept(
        _identity(content["identifiers"]),
        wanted,
        tuple(Identifier(*one) for one in content.get("linked", ())),
        tuple(_claim(one) for one in content.get("claims", ())),
        tuple((Identifier(kind, value), yes) for kind, value, yes in content.get("rulings", ())),
    )


def _claim(row: Sequence[Any]) -> Claim:
    system_id, sequence, kind, value, through, confidence, proof = row
    link = Link(Identifier(kind, value), through, Confidence(confidence), LinkProof(proof))
    return Claim(SystemId(system_id), sequence, link)


def _pairs(identifiers: Iterable[Identifier]) -> list[tuple[str, str]]:
    return [(one.kind, one.value) for one in identifiers]


def _identity(pairs: Iterable[tuple[str, str]]) -> Identity:
    return Identity.of(Identifier(kind, value) for kind, value in pairs)
