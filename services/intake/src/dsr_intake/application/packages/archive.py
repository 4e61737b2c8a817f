"""One ZIP64 written as a stream: stored, with each file's length and sum behind it."""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import IO, Any, Self, cast

from isal.isal_zlib import crc32

from dsr_intake.application.packages.pieces import PieceWriter

__all__ = ["Archive"]

_ZIP64_FROM = 1 << 30
"""What may grow beyond two gigabytes while it is written says so at its beginning."""

_SHORT_LIMIT = (1 << 31) - 1
_MODE = 0o600 << 16
_SUM_BEHIND = 1 << 3
_BEHIND, _BEHIND_ZIP64 = struct.Struct("<4sLLL"), struct.Struct("<4sLQQ")
_BEHIND_BEGINS = b"PK\x07\x08"
"""A file's sum and lengths follow its bytes (APPNOTE 4.3.9)."""


class Archive:
    """Writes files, in any number and of any length; the directory comes when the context is left.

    Left with a fault, nothing more is written.
    """

    def __init__(self, out: PieceWriter, *, at: datetime) -> None:
        """Begin.

        Args:
            out: Takes the bytes.
            at: What all files are dated; never the time of writing, so that the same is written again.
        """
        self._out = out
        self._zip = zipfile.ZipFile(cast(IO[bytes], out), "w", zipfile.ZIP_STORED)
        self._date: Any = at.astimezone(UTC).timetuple()[:6]

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *fault: object) -> None:
        """Write the directory, if all went well."""
        if kind is None:
            self._zip.close()
        else:
            self._zip.fp = None  # else it is written when the memory is freed

    def add(self, path: str, portions: Iterable[bytes | memoryview], *, size: int) -> None:
        """Write a file of about a size.

        The standard library writes the directory; its own way of writing a file takes six times as long
        for the sum alone.
        """
        info = zipfile.ZipInfo(path, self._date)
        info.external_attr = _MODE
        info.create_system = 3  # Unix, wherever it is written
        info.flag_bits, info.CRC = _SUM_BEHIND, 0
        info.header_offset = self._out.size
        is_long = size >= _ZIP64_FROM
        self._out.write(info.FileHeader(zip64=is_long))
        for portion in portions:
            info.CRC = crc32(portion, info.CRC)
            info.file_size += len(portion)
            self._out.write(portion)
        if info.file_size > _SHORT_LIMIT and not is_long:
            raise zipfile.LargeZipFile(f"a file was said to have {size} bytes, and has more")
        info.compress_size = info.file_size
        behind = _BEHIND_ZIP64 if is_long else _BEHIND
        sizes = (info.CRC, info.compress_size, info.file_size)
        self._out.write(behind.pack(_BEHIND_BEGINS, *sizes))
        self._zip.filelist.append(info)
        self._zip.start_dir = self._out.size

    def add_whole(self, path: str, content: bytes) -> tuple[str, int]:
        """Write a small file; return its digest and length."""
        self.add(path, [content], size=len(content))
        return hashlib.sha256(content).hexdigest(), len(content)
