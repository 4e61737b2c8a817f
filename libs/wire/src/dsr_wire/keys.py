"""The keys of a system: an Ed25519 key to sign with, and an X25519 key to be sealed to."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

__all__ = [
    "Revocation",
    "SealingKey",
    "SigningKey",
    "SystemKeyPair",
    "SystemPublicKeys",
    "key_id",
]


def key_id(raw: bytes) -> str:
    """Return a public key's name: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(raw).hexdigest()[:16]


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
class SealingKey:
    """A public key that seals for a system's eyes."""

    raw: bytes
    id: str = field(init=False)
    key: X25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Load the key; a ValueError says that the bytes are none, or none to be sealed to."""
        key = X25519PublicKey.from_public_bytes(self.raw)
        # A point of low order loads, and fails every sealing: refused here, where it is registered.
        X25519PrivateKey.from_private_bytes(b"\x40" * 32).exchange(key)
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "id", key_id(self.raw))


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


@dataclass(frozen=True, slots=True)
class SystemPublicKeys:
    """What is registered for a system; former signing keys still check what they signed."""

    system_id: str
    signing: SigningKey
    sealing: SealingKey
    former_signing: tuple[SigningKey, ...] = ()
    revoked: tuple[Revocation, ...] = ()
    """Of signing keys, present and former; one that is dropped from those stays revoked."""

    def signing_key(self, wanted: str) -> SigningKey | None:
        """Return the present or a former signing key by its name, or none."""
        return next((one for one in (self.signing, *self.former_signing) if one.id == wanted), None)

    def revocation(self, wanted: str) -> Revocation | None:
        """Return the revocation of a signing key by the key's name, or none."""
        return next((one for one in self.revoked if one.key_id == wanted), None)


@dataclass(frozen=True, slots=True, repr=False)
class SystemKeyPair:
    """The private keys of a system; they stay with the system."""

    system_id: str
    signing: Ed25519PrivateKey
    sealing: X25519PrivateKey

    @classmethod
    def generate(cls, system_id: str) -> SystemKeyPair:
        """Make new keys."""
        return cls(system_id, Ed25519PrivateKey.generate(), X25519PrivateKey.generate())

    @property
    def public(self) -> SystemPublicKeys:
        """The public halves, to be registered."""
        return SystemPublicKeys(
            self.system_id,
            SigningKey(self.signing.public_key().public_bytes_raw()),
            SealingKey(self.sealing.public_key().public_bytes_raw()),
        )

    def to_json(self) -> str:
        """Return the private keys as text, for a file that only the system reads."""
        return json.dumps(
            {
                "system_id": self.system_id,
                "signing": _text(self.signing.private_bytes_raw()),
                "sealing": _text(self.sealing.private_bytes_raw()),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> SystemKeyPair:
        """Read what `to_json` wrote.

        Raises:
            ValueError: The text is not a key file. The message holds nothing of it.
        """
        try:
            content = json.loads(text)
            return cls(
                str(content["system_id"]),
                Ed25519PrivateKey.from_private_bytes(_raw(content["signing"])),
                X25519PrivateKey.from_private_bytes(_raw(content["sealing"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("not a key file made by `dsr-sdk keys new`") from error


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _raw(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
