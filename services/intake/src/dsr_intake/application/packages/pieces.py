"""A package as it lies in the object store: pieces of equal length, each encrypted by itself.

So any range of it can be read alone. AES-256-GCM (NIST SP 800-38D) under a key that is derived
(HKDF-SHA256, RFC 5869) from the package's private key and the id of the assembly, so it encrypts one
package once, and is gone with the package's key. The nonce is the place of the piece and whether it is
the last: none can be moved, left out at the end, or added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dsr_core.errors import RejectedInput
from dsr_core.ids import RequestId
from dsr_intake.ports import ObjectSink
from dsr_wire.sealing_keys import PrivateSealingKey

__all__ = ["PIECE_BYTES", "PieceCipher", "PieceWriter", "decrypted", "derived", "stored_size"]

PIECE_BYTES = 1024 * 1024
"""How long each piece is in the clear; the last one may be shorter."""

_TAG_BYTES = 16
_STORED_BYTES = PIECE_BYTES + _TAG_BYTES
_NAME = b"dsr.v1.Package"


def derived(key: PrivateSealingKey, request_id: RequestId, purpose: str) -> bytes:
    """Return 32 bytes that only the key of a request's package gives, for one purpose."""
    info = b"\x00".join((_NAME, request_id.encode(), purpose.encode()))
    return HKDF(SHA256(), length=32, salt=None, info=info).derive(key.raw)


class PieceCipher:
    """Encrypts and decrypts the pieces of one assembly."""

    def __init__(self, key: PrivateSealingKey, *, request_id: RequestId, assembly_id: str) -> None:
        self._cipher = AESGCM(derived(key, request_id, f"assembly/{assembly_id}"))
        self._bound = b"\x00".join((request_id.encode(), assembly_id.encode()))

    def encrypt(self, number: int, piece: bytes | memoryview, *, is_last: bool) -> bytes:
        """Return a piece as it lies in the store. Never call it twice for one place."""
        return self._cipher.encrypt(_nonce(number, is_last=is_last), bytes(piece), self._bound)

    def encrypt_into(
        self, number: int, piece: memoryview, buffer: memoryview, *, is_last: bool
    ) -> None:
        """Fill a buffer, which is a tag longer than the piece, with what `encrypt` returns."""
        self._cipher.encrypt_into(_nonce(number, is_last=is_last), piece, self._bound, buffer)

    def decrypt(self, number: int, stored: bytes, *, is_last: bool) -> bytes:
        """Return a piece in the clear.

        Raises:
            RejectedInput: It is another piece, or of another package, or was changed.
        """
        try:
            return self._cipher.decrypt(_nonce(number, is_last=is_last), stored, self._bound)
        except InvalidTag as error:
            detail = f"piece {number} of the package is not what was written"
            raise RejectedInput("corrupted_piece", detail) from error


class PieceWriter:
    """Takes a package in the clear, in any portions, and writes it as pieces; it cannot be sought in.

    One piece of memory is used for all of them: a new one for each would cost more than to encrypt it.
    """

    def __init__(self, sink: ObjectSink, cipher: PieceCipher) -> None:
        self._sink = sink
        self._cipher = cipher
        self._held = memoryview(bytearray(PIECE_BYTES))
        self._end = 0
        self._number = 0
        self.size = 0
        """Bytes in the clear so far."""

    def write(self, data: bytes | memoryview) -> int:
        """Take some bytes. A piece is written when it is known that it is not the last.

        What fills whole pieces is encrypted from where it lies.
        """
        rest = memoryview(data)
        self.size += len(rest)
        while self._end + len(rest) > PIECE_BYTES:
            room = PIECE_BYTES - self._end
            if self._end:
                self._hold(rest[:room])
                self._put(self._held, is_last=False)
            else:
                self._put(rest[:room], is_last=False)
            self._end = 0
            rest = rest[room:]
        self._hold(rest)
        return len(data)

    def tell(self) -> int:
        """Return how many bytes there are so far."""
        return self.size

    def flush(self) -> None:
        """Do nothing: a piece is whole or not written."""

    def finish(self) -> None:
        """Write the last piece."""
        self._put(self._held[: self._end], is_last=True)

    def _hold(self, some: memoryview) -> None:
        start, self._end = self._end, self._end + len(some)
        self._held[start : self._end] = some

    def _put(self, piece: memoryview, *, is_last: bool) -> None:
        with self._sink.room(len(piece) + _TAG_BYTES) as stored:
            self._cipher.encrypt_into(self._number, piece, stored, is_last=is_last)
        self._number += 1


def stored_size(size: int) -> int:
    """Return how long a package of a size is in the store."""
    return size + _TAG_BYTES * _pieces(size)


def decrypted(
    cipher: PieceCipher, size: int, start: int, end: int, get: Callable[[int, int], bytes]
) -> Iterator[bytes]:
    """Yield the bytes from `start` to before `end` of a package of a size, a piece at a time.

    Args:
        cipher: Of its assembly.
        size: In the clear.
        start: The first byte.
        end: The byte after the last.
        get: Gives the bytes of the stored object from a place to before another.

    Raises:
        RejectedInput: A piece is not what was written.
    """
    last = _pieces(size) - 1
    for number in range(start // PIECE_BYTES, -(-end // PIECE_BYTES)):
        place = number * _STORED_BYTES
        stored = get(place, min(place + _STORED_BYTES, stored_size(size)))
        piece = cipher.decrypt(number, stored, is_last=number == last)
        first = number * PIECE_BYTES
        yield piece[max(start - first, 0) : end - first]


def _pieces(size: int) -> int:
    """Return how many pieces there are: one at least, since an empty package has a last one too."""
    return max(-(-size // PIECE_BYTES), 1)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return bytes([is_last]) + number.to_bytes(11, "big")
