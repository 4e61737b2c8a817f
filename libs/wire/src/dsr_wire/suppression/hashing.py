"""Hashing: keyed BLAKE2b (RFC 7693) of a normalised identifier, a million and more of them a second.

`BLAKE2b-128(key, "dsr-suppression-v1" 00 kind 00 value)`, with the kind as the registry spells it and
the value as `dsr_core.identity` normalises it, both in UTF-8.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b, sha256

from dsr_core.identity import normalised
from dsr_core.suppressions import DIGEST_BYTES

__all__ = ["SuppressionKey"]

_KEY_BYTES = 32
_CONTEXT = b"dsr-suppression-v1\x00"
_NAME_CONTEXT = b"dsr-suppression-key\x00"
_NAME_BYTES = 8


@dataclass(frozen=True, slots=True, repr=False)
class SuppressionKey:
    """The key of the list's hashes. Never shown: it has no text of its own."""

    secret: bytes

    def __post_init__(self) -> None:
        """Refuse what is no key.

        Raises:
            ValueError: It has another length. The text shows nothing of it.
        """
        if len(self.secret) != _KEY_BYTES:
            raise ValueError(f"a key of the suppression list has {_KEY_BYTES} bytes")

    @property
    def name(self) -> str:
        """What stands for the key where it is kept what it made."""
        return sha256(_NAME_CONTEXT + self.secret).digest()[:_NAME_BYTES].hex()

    @classmethod
    def read(cls, text: str) -> tuple[SuppressionKey, ...]:
        """Return the keys of a file, one a line in base64; the first makes hashes, all find.

        Raises:
            ValueError: It holds something else. The text shows nothing of it.
        """
        try:
            keys = tuple(cls(base64.b64decode(line, validate=True)) for line in text.split())
        except binascii.Error:
            raise ValueError("it does not hold base64") from None
        if not keys or len({one.secret for one in keys}) != len(keys):
            raise ValueError("it must hold at least one key, and none twice")
        return keys

    def digest(self, kind: str, value: str) -> bytes:
        """Return the hash of one identifier that is normalised already."""
        whole = _CONTEXT + kind.encode() + b"\x00" + value.encode()
        return blake2b(whole, key=self.secret, digest_size=DIGEST_BYTES).digest()

    def digests(self, kind: str, values: Iterable[str]) -> list[bytes]:
        """Return the hashes of many values of one kind, normalised here, in their order.

        What cannot be an identifier of that kind has a hash like all else, which nobody's is.

        Raises:
            KeyError: There is no such kind of identifier.
        """
        start = blake2b(
            _CONTEXT + kind.encode() + b"\x00", key=self.secret, digest_size=DIGEST_BYTES
        ).copy
        made: list[bytes] = []
        add = made.append
        for value in normalised(kind, values):
            one = start()
            one.update(value)
            add(one.digest())
        return made
