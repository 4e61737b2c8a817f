"""Sealing keys: X25519, or ML-KEM-768 together with X25519.

The second is for whoever fears that sealed notices are kept until a quantum computer opens them. It is the KEM that HPKE's draft for post-quantum algorithms names MLKEM768-X25519 (X-Wing); a
notice stays closed as long as one of the two holds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

__all__ = ["PrivateSealingKey", "SealingAlgorithm", "SealingKey", "key_id"]

_Public: TypeAlias = X25519PublicKey | MLKEM768X25519PublicKey
_Private: TypeAlias = X25519PrivateKey | MLKEM768X25519PrivateKey

_X25519_BYTES = 32


def key_id(raw: bytes) -> str:
    """Return a public key's name: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(raw).hexdigest()[:16]


class SealingAlgorithm(StrEnum):
    """What a sealing key is for; the names are those of the wire."""

    X25519 = "x25519"
    HYBRID = "mlkem768-x25519"


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A public key that seals for a system's eyes."""

    raw: bytes
    """Of the hybrid: the key of ML-KEM-768, then that of X25519."""

    algorithm: SealingAlgorithm = SealingAlgorithm.X25519
    id: str = field(init=False)
    key: _Public = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Load the key; a ValueError says that the bytes are none, or none to be sealed to."""
        object.__setattr__(self, "key", _loaded(self.raw, self.algorithm))
        object.__setattr__(self, "id", key_id(self.raw))


@dataclass(frozen=True, slots=True, repr=False)
class PrivateSealingKey:
    """The private half; it stays with the system. Never shown: it has no text of its own."""

    raw: bytes
    """Of the hybrid: the seed of ML-KEM-768, then the key of X25519."""

    algorithm: SealingAlgorithm = SealingAlgorithm.X25519
    public: SealingKey = field(init=False, compare=False)
    key: _Private = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Load the key; a ValueError says that the bytes are none."""
        seed, ecdh = self.raw[:-_X25519_BYTES], self.raw[-_X25519_BYTES:]
        x25519 = X25519PrivateKey.from_private_bytes(ecdh)
        public = x25519.public_key().public_bytes_raw()
        if self.algorithm is SealingAlgorithm.X25519:
            if seed:
                raise ValueError("an X25519 key has 32 bytes")
            object.__setattr__(self, "key", x25519)
        else:
            mlkem = MLKEM768PrivateKey.from_seed_bytes(seed)
            public = mlkem.public_key().public_bytes_raw() + public
            object.__setattr__(self, "key", MLKEM768X25519PrivateKey(mlkem, x25519))
        object.__setattr__(self, "public", SealingKey(public, self.algorithm))

    @classmethod
    def generate(cls, algorithm: SealingAlgorithm = SealingAlgorithm.X25519) -> PrivateSealingKey:
        """Make a new key."""
        ecdh = X25519PrivateKey.generate().private_bytes_raw()
        if algorithm is SealingAlgorithm.X25519:
            return cls(ecdh)
        return cls(MLKEM768PrivateKey.generate().private_bytes_raw() + ecdh, algorithm)


def _loaded(raw: bytes, algorithm: SealingAlgorithm) -> _Public:
    lattice, ecdh = raw[:-_X25519_BYTES], raw[-_X25519_BYTES:]
    key = X25519PublicKey.from_public_bytes(ecdh)
    # A point of low order loads, and fails every sealing: refused here, where it is registered.
    X25519PrivateKey.from_private_bytes(b"\x40" * _X25519_BYTES).exchange(key)
    if algorithm is SealingAlgorithm.HYBRID:
        return MLKEM768X25519PublicKey(MLKEM768PublicKey.from_public_bytes(lattice), key)
    if lattice:
        raise ValueError("an X25519 key has 32 bytes")
    return key
