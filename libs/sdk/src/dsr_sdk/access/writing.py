"""Two streams of what a handler yields: the data, file after file, and the index, a line a file."""

from __future__ import annotations

import asyncio
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from dsr_core.errors import RejectedInput
from dsr_core.exports import (
    PART_BYTES,
    Delivery,
    ExportedFile,
    ProtectedField,
    Protection,
    name_fault,
)
from dsr_core.protecting import RecordProtector
from dsr_sdk.access.items import Bytes, ExportLimits, File, Row
from dsr_sdk.access.journal import PartName
from dsr_sdk.access.lines import line_of_row
from dsr_sdk.access.uploading import Part, Upload
from dsr_sdk.handlers import UnfitAnswer
from dsr_sdk.threads import Threads
from dsr_wire.exports import Stream, file_from_line, line_of
from dsr_wire.sealing_keys import SealingKey

__all__ = ["ExportWriter", "LimitExceeded"]

_SMALL = 16 * 1024
"""Most exports are no longer than this."""

_LARGE = 256 * 1024
"""What is longer is hashed in a thread."""

_JSON_LINES = "application/jsonl"
_CATEGORY = re.compile(r"[a-z][a-z_.]{0,99}")


class LimitExceeded(Exception):  # noqa: N818 - named for what has happened
    """The export holds more than it may; the text says what."""


@dataclass(slots=True)
class _OpenFile:
    """The file that is being written."""

    name: str
    media_type: str
    table: str | None = None
    """The table that its rows are of; none where it is no table."""

    protector: RecordProtector | None = None
    categories: set[str] = field(default_factory=set)
    records: int = 0
    size: int = 0
    sha256: Any = field(default_factory=hashlib.sha256)


class _Buffer:
    """A stream that is cut into parts.

    Two pieces of memory are used in turn: one is filled while what is in the other is on its way. To take
    new ones for every part would leave the process with several times as much.
    """

    def __init__(self, stream: Stream) -> None:
        self.size = 0
        self._stream = stream
        self._number = 0
        self._filled = bytearray(_SMALL)
        self._other: bytearray | None = None
        self._end = 0

    @property
    def room(self) -> int:
        """How many bytes the part still takes."""
        return PART_BYTES - self._end

    def append(self, data: Bytes) -> None:
        """Add what there is room for."""
        start, self._end = self._end, self._end + len(data)
        if self._end > len(self._filled):
            small, self._filled = self._filled, bytearray(PART_BYTES)
            self._filled[:start] = small[:start]
        self._filled[start : self._end] = data
        self.size += len(data)

    def take(self) -> Part:
        """Return the part; once the next is taken, its content is another."""
        part = Part(PartName(self._stream, self._number), memoryview(self._filled)[: self._end])
        self._filled, self._other = self._other or bytearray(_SMALL), self._filled
        self._number += 1
        self._end = 0
        return part

    def rest(self) -> list[Part]:
        """Return what is left, which is less than a part; nothing where nothing is."""
        return [self.take()] if self._end else []


class ExportWriter:
    """Writes one export. One part is on its way while the next is filled; no more are held."""

    def __init__(
        self,
        upload: Upload,
        *,
        protected: Sequence[ProtectedField],
        limits: ExportLimits,
        threads: Threads,
    ) -> None:
        self.records = 0
        """How many rows and files were written."""

        self._upload = upload
        self._protected = protected
        self._limits = limits
        self._threads = threads
        self._data, self._index = _Buffer(Stream.DATA), _Buffer(Stream.INDEX)
        self._index_hash = hashlib.sha256()
        self._files = 0
        self._names: set[str] = set()
        self._folders: set[str] = set()
        self._open: _OpenFile | None = None
        self._on_its_way: asyncio.Task[None] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written."""
        return self._files == 0

    async def row(self, row: Row) -> None:
        """Write a row, protected.

        Raises:
            UnfitAnswer: It cannot be written as it is given.
            LimitExceeded: It is more than the export may hold.
            ContentChanged: As `Upload.bring`.
            StoreAway: As `Upload.bring`.
        """
        file = self._open
        if file is None or file.table != row.file:
            await self._close()
            file = self._begin(f"{row.file}.jsonl", _JSON_LINES)
            file.table = row.file
            file.protector = RecordProtector(self._protected, file=row.file)
        if file.protector is not None:
            line = line_of_row(file.protector.protect(row.fields))
            file.records += 1
            self.records += 1
            if row.categories:
                file.categories.update(row.categories)
            await self._write(file, line)

    async def file(self, file: File) -> None:
        """Write a file; its errors are those of `row`."""
        await self._close()
        opened = self._begin(file.name, file.media_type)
        opened.categories.update(file.categories)
        self.records += 1
        content = file.content
        if isinstance(content, Bytes):
            await self._write(opened, _checked(content))
        else:
            async for piece in self._pieces(content):
                await self._write(opened, piece)
        await self._close()

    async def finish(self, package_key: SealingKey) -> Delivery:
        """Bring what is left, and return the reference to all of it."""
        await self._close()
        await self._arrived()
        await self._upload.bring([*self._data.rest(), *self._index.rest()], are_last=True)
        return Delivery(
            export_id=self._upload.export_id,
            sealed_key=self._upload.key.sealed(package_key),
            size=self._data.size,
            index_size=self._index.size,
            index_digest=self._index_hash.digest(),
            files=self._files,
        )

    async def abandon(self) -> None:
        """Let go of what is on its way; does nothing after `finish`."""
        task, self._on_its_way = self._on_its_way, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
            with suppress(asyncio.CancelledError):
                task.exception()  # it is told by what ended the writing

    def _begin(self, name: str, media_type: str) -> _OpenFile:
        if self._files >= self._limits.files:
            raise LimitExceeded(f"an export has at most {self._limits.files:,} files")
        fault = name_fault(name)
        if fault is not None:
            raise UnfitAnswer(f"the name of a file is refused: {fault}")
        self._take_name(name)
        self._files += 1
        self._open = _OpenFile(name, media_type)
        return self._open

    def _take_name(self, name: str) -> None:
        """Refuse a name that cannot lie beside the others on every system."""
        plain = unicodedata.normalize("NFC", name).casefold()
        parts = plain.split("/")
        folders = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        is_taken = plain in self._names or plain in self._folders
        if is_taken or not self._names.isdisjoint(folders):
            raise UnfitAnswer(
                "a file is named as another; the rows of one table are yielded one after another"
            )
        self._names.add(plain)
        self._folders.update(folders)

    async def _close(self) -> None:
        file, self._open = self._open, None
        if file is None:
            return
        if not all(map(_CATEGORY.fullmatch, file.categories)):
            raise UnfitAnswer("a category is none of the taxonomy")
        counts: Counter[Protection] = file.protector.counts if file.protector else Counter()
        line = line_of(
            ExportedFile(
                name=file.name,
                media_type=file.media_type,
                size=file.size,
                sha256=file.sha256.hexdigest(),
                categories=tuple(sorted(file.categories)),
                records=None if file.table is None else file.records,
                protected=dict(counts),
            )
        )
        try:
            file_from_line(line)
        except RejectedInput as error:
            raise UnfitAnswer(f"a file is refused: {error.detail}") from error
        self._index_hash.update(line)
        await self._append(self._index, line)

    async def _write(self, file: _OpenFile, data: Bytes) -> None:
        size = len(data)
        if self._data.size + size > self._limits.size:
            raise LimitExceeded(f"an export has at most {self._limits.size:,} bytes")
        if size >= _LARGE:
            await self._threads.run(file.sha256.update, data)
        else:
            file.sha256.update(data)
        file.size += size
        await self._append(self._data, data)

    async def _append(self, buffer: _Buffer, data: Bytes) -> None:
        if len(data) < buffer.room:
            buffer.append(data)
            return
        left = memoryview(data)
        while left:
            some, left = left[: buffer.room], left[buffer.room :]
            buffer.append(some)
            if not buffer.room:
                await self._send(buffer)

    async def _send(self, buffer: _Buffer) -> None:
        part = buffer.take()
        await self._arrived()
        self._on_its_way = asyncio.create_task(self._upload.bring([part]))

    async def _arrived(self) -> None:
        task, self._on_its_way = self._on_its_way, None
        if task is not None:
            try:
                await task
            except asyncio.CancelledError:
                task.cancel()
                raise

    async def _pieces(self, content: Any) -> AsyncIterator[Bytes]:
        if hasattr(content, "__aiter__"):
            async for piece in content:
                yield _checked(piece)
            return
        if isinstance(content, str) or not isinstance(content, Iterable):
            raise UnfitAnswer("the content of a file is bytes, or pieces of bytes")
        pieces = iter(content)
        while (piece := await self._threads.run(next, pieces, None)) is not None:
            yield _checked(piece)


def _checked(piece: object) -> Bytes:
    if not isinstance(piece, Bytes) or (isinstance(piece, memoryview) and piece.format != "B"):
        raise UnfitAnswer("the content of a file is bytes, or pieces of bytes")
    return piece
