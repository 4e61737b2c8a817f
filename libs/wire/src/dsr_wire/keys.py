"""The keys of a system: an Ed25519 key to sign with, and a sealing key."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dsr_wire.sealing_keys import PrivateSealingKey, SealingAlgorithm, SealingKey, key_id

__all__ = [
    "NextKeys",
    "PrivateSealingKey",
    "Revocation",
    "SealingAlgorithm",
    "SealingKey",
    "SigningKey",
    "SystemKeyPair",
    "SystemPublicKeys",
    "key_id",
]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key that checks a system's signatures."""

    raw: bytes
    key: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Load the key; a ValueError says that the bytes are none."""
        object.__setattr__(self, "key", Ed25519PublicKey.from_public_bytes(self.raw))

    @property
    def id(self) -> str:
        """The key's name."""
        return key_id(self.raw)


@dataclass(frozen=True, slots=True)
class Revocation:
    """A signing key that is not believed any more, since somebody else may hold it."""

    key_id: str
    revoked_at: datetime
    """What is received from then on is refused; what was received before stays good."""

    reason: str
    """Why, in an operator's words and without personal data."""

    def refuses(self, received_at: datetime) -> bool:
        """Tell whether an answer that was received at a time came too late to be believed."""
        return received_at >= self.revoked_at


_ANSWERING = 5
"""By how many former signing keys answers may still come in."""


@dataclass(frozen=True, slots=True)
class SystemPublicKeys:
    """What is registered for a system; former signing keys still check what they signed."""

    system_id: str
    signing: SigningKey
    sealing: SealingKey
    former_signing: tuple[SigningKey, ...] = ()
    """All of them, the newest first."""

    revoked: tuple[Revocation, ...] = ()
    """Of signing keys, present and former; one that stands in neither stays revoked."""

    def signing_key(self, wanted: str) -> SigningKey | None:
        """Return the present or a former signing key by its name, or none."""
        return next((one for one in (self.signing, *self.former_signing) if one.id == wanted), None)

    def answering_key(self, wanted: str) -> SigningKey | None:
        """Return a signing key by its name where answers may still come in by it, or none.

        Those are the present one and the five before it. The others only check what they have signed.
        """
        signs = (self.signing, *self.former_signing[:_ANSWERING])
        return next((one for one in signs if one.id == wanted), None)

    def revocation(self, wanted: str) -> Revocation | None:
        """Return the revocation of a signing key by the key's name, or none."""
        return next((one for one in self.revoked if one.key_id == wanted), None)


@dataclass(frozen=True, slots=True, repr=False)
class NextKeys:
    """Keys that are to be registered: a system opens with them already, and signs with them later."""

    signing: Ed25519PrivateKey
    sealing: PrivateSealingKey


@dataclass(frozen=True, slots=True, repr=False)
class SystemKeyPair:
    """The private keys of a system; they stay with the system."""

    system_id: str
    signing: Ed25519PrivateKey
    sealing: PrivateSealingKey
    former_sealing: tuple[PrivateSealingKey, ...] = ()
    """What was sealed to before; it opens notices that are on their way, and deferred ones."""

    coming: NextKeys | None = None

    @classmethod
    def generate(
        cls, system_id: str, algorithm: SealingAlgorithm = SealingAlgorithm.X25519
    ) -> SystemKeyPair:
        """Make new keys."""
        return cls(system_id, Ed25519PrivateKey.generate(), PrivateSealingKey.generate(algorithm))

    @property
    def public(self) -> SystemPublicKeys:
        """The public halves, to be registered: of the coming keys where there are some."""
        one = self if self.coming is None else self.coming
        signing = SigningKey(one.signing.public_key().public_bytes_raw())
        return SystemPublicKeys(self.system_id, signing, one.sealing.public)

    def opening(self, wanted: str) -> PrivateSealingKey:
        """Return the sealing key of that name, present, coming or former; the present one if none is."""
        coming = () if self.coming is None else (self.coming.sealing,)
        held = (self.sealing, *coming, *self.former_sealing)
        return next((one for one in held if one.public.id == wanted), self.sealing)

    def rotated(self, algorithm: SealingAlgorithm) -> SystemKeyPair:
        """Return these keys with new ones to come: they open at once, and sign once it is `finished`.

        Raises:
            ValueError: There are some to come already.
        """
        if self.coming is not None:
            raise ValueError("new keys wait already to be registered")
        coming = NextKeys(Ed25519PrivateKey.generate(), PrivateSealingKey.generate(algorithm))
        return replace(self, coming=coming)

    def finished(self) -> SystemKeyPair:
        """Return these keys with the coming ones in force; the former sealing key still opens.

        Raises:
            ValueError: None are to come.
        """
        if self.coming is None:
            raise ValueError("no new keys wait to be registered")
        former = (self.sealing, *self.former_sealing)
        return SystemKeyPair(self.system_id, self.coming.signing, self.coming.sealing, former)

    def to_json(self) -> str:
        """Return the private keys as text, for a file that only the system reads."""
        content: dict[str, object] = {"system_id": self.system_id, **_halves(self)}
        if self.former_sealing:
            content["former_sealing"] = [_sealing(one) for one in self.former_sealing]
        if self.coming is not None:
            content["coming"] = _halves(self.coming)
        return json.dumps(content)

    @classmethod
    def from_json(cls, text: str) -> SystemKeyPair:
        """Read what `to_json` wrote, or an earlier version of it.

        Raises:
            ValueError: The text is not a key file. The message holds nothing of it.
        """
        try:
            content = json.loads(text)
            coming = content.get("coming")
            return cls(
                str(content["system_id"]),
                _signing_of(content),
                _sealing_of(content["sealing"]),
                tuple(_sealing_of(one) for one in content.get("former_sealing", ())),
                NextKeys(_signing_of(coming), _sealing_of(coming["sealing"])) if coming else None,
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            # Not raised from it: a fault of reading JSON holds the whole text.
            raise ValueError("not a key file made by `dsr-sdk keys new`") from None


def _halves(keys: SystemKeyPair | NextKeys) -> dict[str, object]:
    return {"signing": _text(keys.signing.private_bytes_raw()), "sealing": _sealing(keys.sealing)}


def _sealing(key: PrivateSealingKey) -> object:
    # X25519 as it was before there was another.
    if key.algorithm is SealingAlgorithm.X25519:
        return _text(key.raw)
    return {"algorithm": key.algorithm.value, "key": _text(key.raw)}


def _sealing_of(content: Any) -> PrivateSealingKey:
    if isinstance(content, str):
        return PrivateSealingKey(_raw(content))
    return PrivateSealingKey(_raw(content["key"]), SealingAlgorithm(content["algorithm"]))


def _signing_of(content: Any) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_raw(content["signing"]))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _raw(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
