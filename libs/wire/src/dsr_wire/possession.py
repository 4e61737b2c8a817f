"""Proof of possession: whoever registers keys for a system shows that it holds their private halves.

The system asks (`key_request`), signed with the key that it wants to sign with. The operator answers
with a secret that is sealed to the key that it wants to be sealed to (`challenge`). The system opens it
and signs over it (`prove`); with its present key as well, where it has one. The operator checks that
(`check_proof`) and keeps nothing in between: what it sent comes back with its own seal (HMAC).

All of it is text that may be seen by anybody; only the answer to a challenge is good, and only for the
keys that it names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dsr_core.errors import RejectedInput
from dsr_core.ids import is_slug
from dsr_wire.keys import SealingKey, SigningKey, SystemKeyPair, SystemPublicKeys
from dsr_wire.sealing import suite_of
from dsr_wire.sealing_keys import SealingAlgorithm

__all__ = ["Proof", "challenge", "check_proof", "key_request", "prove", "read_key_request"]

_REQUEST, _PROOF, _CHALLENGE = b"dsr.v1.KeyRequest", b"dsr.v1.KeyProof", b"dsr.v1.KeyChallenge"
_SECRET_BYTES = 32
_LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Proof:
    """Keys whose private halves somebody holds."""

    public: SystemPublicKeys
    signed_by: str | None
    """The name of the registered key that agreed as well; its signature is still to be checked."""

    statement: bytes
    signature: bytes

    def is_agreed_by(self, present: SystemPublicKeys) -> bool:
        """Tell whether the system's present signing key agrees, and is not revoked."""
        if self.signed_by != present.signing.id or present.revocation(present.signing.id):
            return False
        try:
            present.signing.key.verify(self.signature, self.statement)
        except InvalidSignature:
            return False
        return True


def key_request(pair: SystemKeyPair, *, at: datetime) -> str:
    """Return what asks to register the public halves of a pair: of the coming keys where it has some."""
    content = {**_public_fields(pair.public), "requested_at": at.astimezone(UTC).isoformat()}
    signing = pair.signing if pair.coming is None else pair.coming.signing
    return json.dumps(content | {"signature": _text(signing.sign(_bytes(_REQUEST, content)))})


def read_key_request(text: str) -> SystemPublicKeys:
    """Return the keys that a request names.

    Raises:
        RejectedInput: It is none, or was not signed with the key that it names.
    """
    content = _object(text)
    public = _public(content)
    _verify(public.signing, content, _REQUEST)
    return public


def challenge(public: SystemPublicKeys, *, key: bytes, at: datetime) -> str:
    """Return a secret that only the holder of the sealing key reads.

    Args:
        public: The keys of a request.
        key: The operator's own secret, by which it knows its challenges again.
        at: Now; the challenge is good for a week.
    """
    secret = os.urandom(_SECRET_BYTES)
    suite = suite_of(public.sealing.algorithm)
    sealed = suite.encrypt(secret, public.sealing.key, info=_info(public))
    content = {
        "system_id": public.system_id,
        "signing_id": public.signing.id,
        "sealing_id": public.sealing.id,
        "sealed": _text(bytes(sealed)),
        "digest": hashlib.sha256(secret).hexdigest(),
        "expires_at": (at + _LASTS).astimezone(UTC).isoformat(),
    }
    return json.dumps(content | {"mac": _mac(content, key)})


def prove(pair: SystemKeyPair, text: str, *, at: datetime) -> str:
    """Return the answer to a challenge.

    Raises:
        RejectedInput: It is none, or is for other keys.
    """
    asked = _object(text)
    public = pair.public
    if (asked.get("signing_id"), asked.get("sealing_id")) != (public.signing.id, public.sealing.id):
        raise RejectedInput("no_possession", "the challenge is for other keys than these")
    opens = pair.sealing if pair.coming is None else pair.coming.sealing
    suite = suite_of(opens.algorithm)
    try:
        secret = suite.decrypt(_field(asked, "sealed"), opens.key, info=_info(public))
    except (InvalidTag, ValueError):
        raise RejectedInput(
            "no_possession", "the challenge does not open with these keys"
        ) from None
    content = {
        **_public_fields(public),
        "challenge": asked,
        "secret": _text(bytes(secret)),
        "proved_at": at.astimezone(UTC).isoformat(),
    }
    statement = _bytes(_PROOF, content)
    signing: Ed25519PrivateKey = pair.signing if pair.coming is None else pair.coming.signing
    signed = {"signature": _text(signing.sign(statement))}
    if pair.coming is not None:
        present = SigningKey(pair.signing.public_key().public_bytes_raw())
        signed |= {
            "present_id": present.id,
            "present_signature": _text(pair.signing.sign(statement)),
        }
    return json.dumps(content | signed)


def check_proof(text: str, *, key: bytes, at: datetime) -> Proof:
    """Return the keys that a proof is for.

    Raises:
        RejectedInput: It proves nothing: another challenge or none, an old one, or other keys.
    """
    content = _object(text)
    public = _public(content)
    asked = content.get("challenge")
    if not isinstance(asked, dict):
        raise RejectedInput(
            "no_possession", "it answers no challenge; `dsr system keys challenge` makes one"
        )
    _check_challenge(asked, public, key=key, at=at)
    if hashlib.sha256(_field(content, "secret")).hexdigest() != asked["digest"]:
        raise RejectedInput("no_possession", "the challenge was not opened")
    _verify(public.signing, content, _PROOF)
    by = content.get("present_id")
    return Proof(
        public,
        by if isinstance(by, str) else None,
        _bytes(_PROOF, _stated(content)),
        _field(content, "present_signature") if isinstance(by, str) else b"",
    )


def _check_challenge(
    asked: Mapping[str, Any], public: SystemPublicKeys, *, key: bytes, at: datetime
) -> None:
    given = {name: value for name, value in asked.items() if name != "mac"}
    if not hmac.compare_digest(str(asked.get("mac")).encode(), _mac(given, key).encode()):
        raise RejectedInput("no_possession", "the challenge was not made here")
    named = (asked["system_id"], asked["signing_id"], asked["sealing_id"])
    if named != (public.system_id, public.signing.id, public.sealing.id):
        raise RejectedInput("no_possession", "the challenge is for other keys than these")
    if datetime.fromisoformat(asked["expires_at"]) <= at:
        raise RejectedInput("no_possession", "the challenge has expired; make another")


def _verify(key: SigningKey, content: Mapping[str, Any], kind: bytes) -> None:
    try:
        key.key.verify(_field(content, "signature"), _bytes(kind, _stated(content)))
    except InvalidSignature:
        raise RejectedInput(
            "no_possession", "it was not signed with the key that it names"
        ) from None


def _stated(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is signed of a request or a proof: all but the signatures."""
    signed = ("signature", "present_id", "present_signature")
    return {name: value for name, value in content.items() if name not in signed}


def _public_fields(public: SystemPublicKeys) -> dict[str, str]:
    return {
        "system_id": public.system_id,
        "signing": _text(public.signing.raw),
        "sealing": _text(public.sealing.raw),
        "sealing_algorithm": public.sealing.algorithm.value,
    }


def _public(content: Mapping[str, Any]) -> SystemPublicKeys:
    try:
        algorithm = SealingAlgorithm(str(content.get("sealing_algorithm")))
        signing = SigningKey(_field(content, "signing"))
        sealing = SealingKey(_field(content, "sealing"), algorithm)
    except ValueError:
        raise RejectedInput("no_possession", "it holds no keys that can be registered") from None
    system_id = content.get("system_id")
    if not isinstance(system_id, str) or not is_slug(system_id):
        raise RejectedInput("no_possession", "it names no system")
    return SystemPublicKeys(system_id, signing, sealing)


def _info(public: SystemPublicKeys) -> bytes:
    named = (public.system_id, public.signing.id, public.sealing.id)
    return b"\x00".join((_CHALLENGE, *(one.encode() for one in named)))


def _mac(content: Mapping[str, Any], key: bytes) -> str:
    return hmac.new(key, _bytes(_CHALLENGE, content), "sha256").hexdigest()


def _bytes(kind: bytes, content: Mapping[str, Any]) -> bytes:
    """Return what is signed: one form for one content, which is no other kind's."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return kind + b"\x00" + text.encode()


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise RejectedInput("no_possession", "it is no JSON object")
    return content


def _field(content: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(content[name], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise RejectedInput("no_possession", f"{name} is not there, or no base64") from None


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
