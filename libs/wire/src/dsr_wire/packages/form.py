"""The form of a package's archive: what stands around its files, for whoever writes one and whoever checks it.

A ZIP64 that is written as a stream: stored, each file's sum and lengths behind it (APPNOTE 4.3.9), the
directory at the end. All of it follows from the files, their names and one date.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import IO, Any, Protocol, cast

__all__ = ["SHORT_LIMIT", "Out", "behind", "head", "told_of", "write_directory"]

SHORT_LIMIT = zipfile.ZIP64_LIMIT
"""A file that is longer says so at its beginning."""

_MODE = 0o600 << 16
_UNIX = 3
"""The system that it is said to be written on, whichever it is."""

_SUM_BEHIND = 1 << 3
_BEHIND, _BEHIND_ZIP64 = struct.Struct("<4sLLL"), struct.Struct("<4sLQQ")
_BEHIND_BEGINS = b"PK\x07\x08"


class Out(Protocol):
    """Takes an archive's bytes, one after another."""

    def write(self, data: bytes, /) -> int:
        """Take some bytes."""
        ...

    def tell(self) -> int:
        """Return how many there are so far."""
        ...

    def flush(self) -> None:
        """Pass on what is held, if anything is."""
        ...


def told_of(path: str, at: datetime, *, place: int) -> zipfile.ZipInfo:
    """Return what an archive tells of a file, with its sum and length at nought.

    Args:
        path: Its name.
        at: What every file is dated; never the time of writing, so that the same is written again.
        place: Where its head begins.
    """
    date: Any = at.astimezone(UTC).timetuple()[:6]
    info = zipfile.ZipInfo(path, date)
    info.external_attr, info.create_system = _MODE, _UNIX
    info.flag_bits, info.CRC = _SUM_BEHIND, 0
    info.header_offset = place
    return info


def head(info: zipfile.ZipInfo, *, is_long: bool) -> bytes:
    """Return what stands before a file, whose sum and length are still at nought."""
    return info.FileHeader(zip64=is_long)


def behind(info: zipfile.ZipInfo, *, is_long: bool) -> bytes:
    """Return what stands behind a file, whose sum and length are known; it is stored as it is."""
    info.compress_size = info.file_size
    form = _BEHIND_ZIP64 if is_long else _BEHIND
    return form.pack(_BEHIND_BEGINS, info.CRC, info.compress_size, info.file_size)


def write_directory(out: Out, files: Sequence[zipfile.ZipInfo], start: int) -> None:
    """Write the directory of an archive, which begins at a place; the standard library does it."""
    archive = zipfile.ZipFile(cast(IO[bytes], out), "w", zipfile.ZIP_STORED)
    archive.filelist, archive.start_dir = [*files], start
    archive.close()
