"""Names of Kafka headers that are not UTF-8.

The protocol says that they are text; a broker does not check it, and other clients send what they are
given. aiokafka raises at such a record and can never get past it, so that one bad record from outside
would stop its partition's consumer for ever. Here it is read, with the bytes of the name escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

__all__ = ["tolerate_header_names"]


def tolerate_header_names() -> None:
    """Make every consumer of this process read on over such names; safe to repeat."""
    fetcher.MemoryRecords = _Records


class _Records:
    """What a fetch brought, as aiokafka's fetcher reads it."""

    def __init__(self, data: bytes) -> None:
        self._records = MemoryRecords(data)
        self.size_in_bytes = self._records.size_in_bytes
        self.has_next = self._records.has_next
        self._data = data
        self._end = 0

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        start, self._end = self._end, self._end + _size(self._data, self._end)
        if isinstance(batch, DefaultRecordBatch):
            return _Batch(batch, memoryview(self._data)[start : self._end])
        return batch  # of a format without headers


class _Batch:
    """A batch that is read by aiokafka's fast reader first, and leniently where that one gives up."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                yield record
                read += 1
        except UnicodeDecodeError:
            lenient = _LenientBatch(self._data)
            for number, record in enumerate(lenient):
                if number >= read:
                    yield record


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for type checkers only
    """aiokafka's reader in Python, over bytes that escape what is not UTF-8."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _LenientBytes(self._buffer)


class _LenientBytes(bytearray):
    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _LenientBytes(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - decodes its way
        return super().decode(encoding, "backslashreplace")


_LENGTH = slice(8, 12)
_BEFORE_LENGTH = 12


def _size(data: bytes, start: int) -> int:
    """Return how long the batch is that begins there: its length stands behind its first offset."""
    length = data[start + _LENGTH.start : start + _LENGTH.stop]
    return _BEFORE_LENGTH + int.from_bytes(length, "big")
