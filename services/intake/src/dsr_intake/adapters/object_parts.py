"""An object of any length in a bucket: smaller ones of equal length below its path, numbered from nought.

A bucket's own way, the upload in parts, leaves behind what no listing of objects shows: when a process is
killed, and when a part is still on its way as the upload is given up. Here a part is an object, stored by
one call: whoever deletes what lies below the path deletes all that there is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import obstore
from obstore.store import ObjectStore

__all__ = ["PartedObject", "read_parts"]

_PART_BYTES = 8 * 1024 * 1024
"""How long each part is but the last. Kept packages are read by it, so it stays."""

_MORE_BYTES = 2 * 1024 * 1024
"""What comes next may end so far behind a part."""

_AT_ONCE = 2


class PartedObject:
    """Takes an object's bytes and stores them part by part, two at once, while the next is filled.

    Without a fault, all of it is stored when the context is left; with one, nothing more of it is on its way.
    """

    def __init__(self, store: ObjectStore, path: str) -> None:
        """Take where it is to lie; nothing is there before."""
        self._store = store
        self._path = path
        self._bringing = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="object-parts")
        self._on_their_way = deque[Future[Any]]()
        self._filled = _part()
        self._end = 0
        self._number = 0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None
    ) -> None:
        """Store what is left, if all went well."""
        try:
            if kind is None:
                self._bring(self._filled[: self._end])
                self._wait(0)
        finally:
            self._bringing.shutdown()

    @contextmanager
    def room(self, length: int) -> Iterator[memoryview]:
        """Give memory for the next so many bytes, 2 MiB at most.

        Raises:
            BaseError: A part before could not be stored.
        """
        yield self._filled[self._end : self._end + length]
        self._end += length
        if self._end >= _PART_BYTES:
            part, more = self._filled[:_PART_BYTES], self._filled[_PART_BYTES : self._end]
            self._filled, self._end = _part(), len(more)
            self._filled[: self._end] = more
            self._bring(part)

    def _bring(self, part: memoryview) -> None:
        self._wait(_AT_ONCE - 1)
        path, self._number = _path(self._path, self._number), self._number + 1
        self._on_their_way.append(
            self._bringing.submit(obstore.put, self._store, path, part, use_multipart=False)
        )

    def _wait(self, left: int) -> None:
        while len(self._on_their_way) > left:
            self._on_their_way.popleft().result()


def read_parts(store: ObjectStore, path: str, start: int, end: int) -> bytes:
    """Return the bytes of an object in parts from a place to before another.

    Raises:
        FileNotFoundError: It has no such part.
        BaseError: The store is away.
    """
    found = []
    for number in range(start // _PART_BYTES, -(-end // _PART_BYTES)):
        first = number * _PART_BYTES
        found.append(
            obstore.get_range(
                store,
                _path(path, number),
                start=max(start - first, 0),
                end=min(end - first, _PART_BYTES),
            )
        )
    return b"".join(found)


def _path(path: str, number: int) -> str:
    return f"{path}/{number:06d}"


def _part() -> memoryview:
    return memoryview(bytearray(_PART_BYTES + _MORE_BYTES))
