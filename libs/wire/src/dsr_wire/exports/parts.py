"""The parts of an export: their key, their places, and their encryption."""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_core.errors import RejectedInput
from dsr_core.exports import PART_BYTES
from dsr_core.ids import RequestId, SystemId
from dsr_wire.sealing import suite_of
from dsr_wire.sealing_keys import PrivateSealingKey, SealingKey

__all__ = ["TAG_BYTES", "ExportKey", "Stream", "part_path", "part_sizes", "prefix"]

TAG_BYTES = 16
"""How much longer a part is in the store than in the clear."""

_CONTEXT = b"dsr.v1.Delivery"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Stream(StrEnum):
    """What a part belongs to."""

    DATA = "data"
    INDEX = "index"


_NUMBER = {Stream.DATA: 0, Stream.INDEX: 1}


class ExportKey:
    """Encrypts and decrypts the parts of one export."""

    def __init__(
        self, key: bytes, *, request_id: RequestId, system_id: SystemId, export_id: str
    ) -> None:
        self.raw = key
        """Never log it; a system keeps it until its answer is stored."""

        self._cipher = AESGCM(key)
        self._info = _info(request_id, system_id, export_id)

    @classmethod
    def generate(cls, *, request_id: RequestId, system_id: SystemId, export_id: str) -> ExportKey:
        """Make the key of a new export."""
        key = os.urandom(_KEY_BYTES)
        return cls(key, request_id=request_id, system_id=system_id, export_id=export_id)

    @classmethod
    def unsealed(
        cls,
        sealed_key: bytes,
        package_key: PrivateSealingKey,
        *,
        request_id: RequestId,
        system_id: SystemId,
        export_id: str,
    ) -> ExportKey:
        """Open the key of an export.

        Raises:
            RejectedInput: It was sealed for another request, system, export or package, or was changed.
        """
        info = _info(request_id, system_id, export_id)
        try:
            key = suite_of(package_key.algorithm).decrypt(sealed_key, package_key.key, info=info)
            return cls(bytes(key), request_id=request_id, system_id=system_id, export_id=export_id)
        except (InvalidTag, ValueError) as error:
            detail = "the export's key was not sealed for this request, system and package"
            raise RejectedInput("cannot_open", detail) from error

    def sealed(self, package_key: SealingKey) -> bytes:
        """Return the key for the eyes of whoever has the package's private key."""
        suite = suite_of(package_key.algorithm)
        return bytes(suite.encrypt(self.raw, package_key.key, info=self._info))

    def encrypt(self, stream: Stream, number: int, part: bytes | memoryview) -> bytes:
        """Return a part as it lies in the store. The same part gives the same bytes."""
        return self._cipher.encrypt(_nonce(stream, number), bytes(part), self._info)

    def encrypt_into(
        self, stream: Stream, number: int, part: bytes | memoryview, buffer: bytearray | memoryview
    ) -> None:
        """Fill a buffer, which is `TAG_BYTES` longer than the part, with what `encrypt` returns."""
        self._cipher.encrypt_into(_nonce(stream, number), part, self._info, buffer)

    def decrypt(self, stream: Stream, number: int, stored: bytes | memoryview) -> bytes:
        """Return a part in the clear.

        Raises:
            RejectedInput: It is another part, or of another export, or was changed.
        """
        try:
            return self._cipher.decrypt(_nonce(stream, number), bytes(stored), self._info)
        except InvalidTag as error:
            raise _corrupted(stream, number) from error

    def decrypt_into(
        self, stream: Stream, number: int, stored: bytes | memoryview, buffer: memoryview
    ) -> None:
        """Fill a buffer, which is `TAG_BYTES` shorter than what is stored, with what `decrypt` returns.

        Raises:
            RejectedInput: As in `decrypt`; then nothing in the buffer may be used.
        """
        try:
            self._cipher.decrypt_into(_nonce(stream, number), stored, self._info, buffer)
        except InvalidTag as error:
            raise _corrupted(stream, number) from error


def prefix(request_id: RequestId) -> str:
    """Return the folder of everything that was handed over for a request."""
    return f"exports/{request_id}"


def part_path(
    request_id: RequestId, system_id: SystemId, export_id: str, stream: Stream, number: int
) -> str:
    """Return where a part lies in the object store."""
    return f"{prefix(request_id)}/{system_id}/{export_id}/{stream}-{number:06d}"


def part_sizes(size: int) -> Iterator[int]:
    """Yield how long each part of a stream is in the clear; nothing for an empty one."""
    while size > 0:
        yield min(size, PART_BYTES)
        size -= PART_BYTES


def _corrupted(stream: Stream, number: int) -> RejectedInput:
    detail = f"part {number} of the {stream} is not what the system wrote"
    return RejectedInput("corrupted_part", detail)


def _info(request_id: RequestId, system_id: SystemId, export_id: str) -> bytes:
    parts = (_CONTEXT, request_id.encode(), system_id.encode(), export_id.encode())
    return b"\x00".join(parts)


def _nonce(stream: Stream, number: int) -> bytes:
    return bytes([_NUMBER[stream]]) + number.to_bytes(_NONCE_BYTES - 1, "big")
