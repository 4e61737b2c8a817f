"""The archive of a package, read from its first byte to its last: each belongs to what was written there.

Every file is dated as the manifest is, so all that stands around the files follows from them, and is made
once more to compare.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO, NamedTuple
from zlib import crc32

from dsr_wire.packages.form import SHORT_LIMIT, behind, head, told_of, write_directory

__all__ = ["Member", "members"]

_PORTION = 1 << 20
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
    written: list[zipfile.ZipInfo] = []
    for place, one in enumerate(listed):
        before = _Again(file, one.header_offset)
        info = told_of(one.filename, at, place=one.header_offset)
        is_long = any(_read(file, one.header_offset, 30)[_EXTRA_LENGTH])
        before.write(head(info, is_long=is_long))
        hashed = hashlib.sha256()
        for portion in _portions(file, before.end, one.file_size):
            hashed.update(portion)
            info.CRC = crc32(portion, info.CRC)
            info.file_size += len(portion)
        after = _Again(file, before.end + info.file_size)
        is_whole = info.file_size == one.file_size and (is_long or info.file_size <= SHORT_LIMIT)
        if is_whole:
            after.write(behind(info, is_long=is_long))
        ends = listed[place + 1].header_offset if place + 1 < len(listed) else after.end
        is_whole = is_whole and before.is_same and after.is_same and after.end == ends
        written.append(info)
        yield Member(one.filename, hashed.hexdigest(), info.file_size, is_whole)
        last = after.end
    yield _directory(file, written, last if listed else 0)


def _directory(file: IO[bytes], written: list[zipfile.ZipInfo], start: int) -> Member:
    """Return the directory: the standard library writes it once more, to compare."""
    again = _Again(file, start)
    write_directory(again, written, start)
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
