"""A package as a file in the age format (age-encryption.org/v1), for one recipient.

What age draws at random is derived here from the key of the package: the same package is the same file
for the same recipient, byte for byte, until its key is destroyed. So any range of it can be made by
itself, a download that broke goes on, and nothing of it is kept. Another package, or another recipient,
has another file key: none ever encrypts two texts.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterator

import pyrage
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dsr_core.errors import RejectedInput

__all__ = ["AGE_KEY_PATTERN", "CHUNK_BYTES", "AgeFile", "checked_age_key"]

AGE_KEY_PATTERN = r"^age1[02-9ac-hj-np-z]{58}$"
"""How an X25519 recipient of age is written; its checksum is looked at besides."""

CHUNK_BYTES = 65_536
"""So much is encrypted by itself, as the format says."""

_TAG_BYTES = 16
_NONCE_BYTES = 16
_FILE_KEY_BYTES = 16
_STORED_BYTES = CHUNK_BYTES + _TAG_BYTES
_VERSION = b"age-encryption.org/v1"
_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_CHECKSUM_LETTERS = 6
_SPARE_BITS = 4


def checked_age_key(text: str, *, field: str = "age_key") -> str:
    """Return a recipient of age.

    Raises:
        RejectedInput: It is none, or one that everybody could open files of.
    """
    try:
        recipient = str(pyrage.x25519.Recipient.from_str(text.strip()))
        X25519PrivateKey.generate().exchange(_public(recipient))
    except (pyrage.RecipientError, ValueError) as error:
        detail = "it is no public key of age, like age1..."
        raise RejectedInput("invalid_age_key", detail, field=field) from error
    return recipient


class AgeFile:
    """The file that a package is for one recipient."""

    def __init__(self, secret: Callable[[str], bytes], recipient: str, size: int) -> None:
        """Take what it is made of.

        Args:
            secret: Gives 32 bytes for a purpose, of this package and this recipient alone.
            recipient: The public key, which has been checked.
            size: Of the package in the clear.
        """
        self._clear_size = size
        file_key = secret("file key")[:_FILE_KEY_BYTES]
        nonce = secret("payload")[:_NONCE_BYTES]
        header = _header(X25519PrivateKey.from_private_bytes(secret("share")), recipient, file_key)
        self._head = header + nonce
        self._cipher = ChaCha20Poly1305(_hkdf(file_key, salt=nonce, info=b"payload"))
        self._last = max(-(-size // CHUNK_BYTES), 1) - 1
        self.size = len(self._head) + size + _TAG_BYTES * (self._last + 1)
        """Of the whole file."""

    def range(
        self, start: int, end: int, clear: Callable[[int, int], Iterator[bytes]]
    ) -> Iterator[bytes]:
        """Yield the bytes from `start` to before `end`, a little at a time.

        Args:
            start: The first byte.
            end: The byte after the last.
            clear: Yields the package from a place to before another, in pieces that chunks divide.
        """
        head = len(self._head)
        if start < head:
            yield self._head[start:end]
        if end <= head:
            return
        first, last = max(start - head, 0) // _STORED_BYTES, (end - 1 - head) // _STORED_BYTES
        place = head + first * _STORED_BYTES
        for some in self._chunks(first, last, clear):
            yield some[max(start - place, 0) : end - place]
            place += len(some)

    def _chunks(
        self, first: int, last: int, clear: Callable[[int, int], Iterator[bytes]]
    ) -> Iterator[bytes]:
        """Yield chunks, those of a piece together."""
        number = first
        for piece in clear(first * CHUNK_BYTES, min((last + 1) * CHUNK_BYTES, self._clear_size)):
            whole = memoryview(piece)
            starts = range(0, len(whole), CHUNK_BYTES)
            yield b"".join(
                self._encrypted(number + n, whole[start : start + CHUNK_BYTES])
                for n, start in enumerate(starts)
            )
            number += len(starts)
        if not self._clear_size:
            yield self._encrypted(0, memoryview(b""))

    def _encrypted(self, number: int, chunk: memoryview) -> bytes:
        nonce = number.to_bytes(11, "big") + bytes([number == self._last])
        return self._cipher.encrypt(nonce, chunk, None)


def _header(share: X25519PrivateKey, recipient: str, file_key: bytes) -> bytes:
    """Return the file key, wrapped for the recipient, and what binds the header to it."""
    public = _public(recipient)
    own = share.public_key().public_bytes_raw()
    salt = own + public.public_bytes_raw()
    key = _hkdf(share.exchange(public), salt=salt, info=_VERSION + b"/X25519")
    wrapped = ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)
    header = b"%s\n-> X25519 %s\n%s\n---" % (_VERSION, _base64(own), _base64(wrapped))
    mac = hmac.digest(_hkdf(file_key, salt=None, info=b"header"), header, "sha256")
    return b"%s %s\n" % (header, _base64(mac))


def _public(recipient: str) -> X25519PublicKey:
    """Return the key that a recipient of age is: its Bech32, whose checksum has been looked at."""
    bits = 0
    for letter in recipient.removeprefix("age1")[:-_CHECKSUM_LETTERS]:
        bits = bits << 5 | _LETTERS.index(letter)
    return X25519PublicKey.from_public_bytes((bits >> _SPARE_BITS).to_bytes(32, "big"))


def _hkdf(key: bytes, *, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=salt, info=info).derive(key)


def _base64(content: bytes) -> bytes:
    return b64encode(content).rstrip(b"=")
