"""One ZIP64 written as a stream: stored, with each file's length and sum behind it."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import IO, Any, Self, cast

from dsr_intake.application.packages.pieces import PieceWriter

__all__ = ["Archive"]

_ZIP64_FROM = 1 << 30
"""What may grow beyond two gigabytes while it is written says so at its beginning."""

_MODE = 0o600 << 16


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
        """Write a file of about a size."""
        info = zipfile.ZipInfo(path, self._date)
        info.external_attr = _MODE
        info.create_system = 3  # Unix, wherever it is written
        with self._zip.open(info, "w", force_zip64=size >= _ZIP64_FROM) as file:
            for portion in portions:
                file.write(portion)

    def add_whole(self, path: str, content: bytes) -> tuple[str, int]:
        """Write a small file; return its digest and length."""
        self.add(path, [content], size=len(content))
        return hashlib.sha256(content).hexdigest(), len(content)
