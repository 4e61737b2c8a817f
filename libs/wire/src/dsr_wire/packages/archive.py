"""The archive of a package, read from its first byte to its last: each belongs to what was written there.

An archive is written as a stream, stored, with each file's sum behind it, and every file is dated as the
manifest is; so all that stands around the files follows from them, and is made once more to compare.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any, NamedTuple, cast
from zlib import crc32

__all__ = ["Member", "members"]

_PORTION = 1 << 20
_MODE = 0o600 << 16
_SUM_BEHIND = 1 << 3
_BEHIND, _BEHIND_ZIP64 = struct.Struct("<4sLLL"), struct.Struct("<4sLQQ")
_BEHIND_BEGINS = b"PK\x07\x08"
_EXTRA_LENGTH = slice(28, 30)
"""In the head of a file: it has more than its name where it may be longer than four gigabytes."""


class Member(NamedTuple):
    """One file of an archive; or, last and without a name, the directory."""

    path: str | None
    sha256: str
    size: int
    is_whole: bool
    """Whether all around it is as it was written."""


def members(file: IO[bytes], at: datetime) -> Iterator[Member]:
    """Yield what is in an archive, in its order, and the directory at the end; a megabyte is in memory.

    Args:
        file: The archive; it can be sought in.
        at: What its files are dated.

    Raises:
        zipfile.BadZipFile: It is no archive.
    """
    with zipfile.ZipFile(file) as archive:
        listed = archive.infolist()
    date: Any = at.astimezone(UTC).timetuple()[:6]
    written: list[zipfile.ZipInfo] = []
    for place, one in enumerate(listed):
        head = _Again(file, one.header_offset)
        info = zipfile.ZipInfo(one.filename, date)
        info.external_attr, info.create_system = _MODE, 3
        info.flag_bits, info.CRC = _SUM_BEHIND, 0
        info.header_offset = one.header_offset
        is_long = any(_read(file, one.header_offset, 30)[_EXTRA_LENGTH])
        head.write(info.FileHeader(zip64=is_long))
        hashed = hashlib.sha256()
        for portion in _portions(file, head.end, one.file_size):
            hashed.update(portion)
            info.CRC = crc32(portion, info.CRC)
            info.file_size += len(portion)
        info.compress_size = info.file_size
        behind = _Again(file, head.end + info.file_size)
        form = _BEHIND_ZIP64 if is_long else _BEHIND
        sizes = (info.CRC, info.compress_size, info.file_size)
        is_whole = info.file_size == one.file_size and (
            is_long or info.file_size <= zipfile.ZIP64_LIMIT
        )
        if is_whole:
            behind.write(form.pack(_BEHIND_BEGINS, *sizes))
        ends = listed[place + 1].header_offset if place + 1 < len(listed) else behind.end
        is_whole = is_whole and head.is_same and behind.is_same and behind.end == ends
        written.append(info)
        yield Member(one.filename, hashed.hexdigest(), info.file_size, is_whole)
        last = behind.end
    yield _directory(file, written, last if listed else 0)


def _directory(file: IO[bytes], written: list[zipfile.ZipInfo], start: int) -> Member:
    """Return the directory: the standard library writes it once more, to compare."""
    again = _Again(file, start)
    archive = zipfile.ZipFile(cast(IO[bytes], again), "w")
    archive.filelist, archive.start_dir = written, start
    archive._didModify = True  # type: ignore[attr-defined]  # noqa: SLF001 - as if it had written them
    archive.close()
    begins_well = not written or written[0].header_offset == 0
    is_whole = again.is_same and begins_well and not _read(file, again.end, 1)
    return Member(None, "", again.end - start, is_whole)


class _Again:
    """A stream that keeps nothing: what is written is compared with what a file has at that place."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        self._file = file
        self.end = start
        self.is_same = True

    def write(self, data: bytes) -> int:
        self.is_same = self.is_same and _read(self._file, self.end, len(data)) == data
        self.end += len(data)
        return len(data)

    def tell(self) -> int:
        return self.end

    def flush(self) -> None:
        pass


def _read(file: IO[bytes], start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


def _portions(file: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    file.seek(start)
    while length > 0 and (portion := file.read(min(length, _PORTION))):
        length -= len(portion)
        yield portion
