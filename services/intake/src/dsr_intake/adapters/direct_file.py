"""A new file whose bytes go to the disk past the page cache (`O_DIRECT`, open(2)), where its file system can.

To copy a package into the cache would cost as much processor time as to decrypt and encrypt it, and what
is there is pushed out by what nobody reads soon.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["DirectFile"]

_BLOCK_BYTES = 4 * 1024 * 1024
"""What is written at once. A multiple of every disk's sector, as `O_DIRECT` asks of lengths and places."""

_MORE_BYTES = 2 * 1024 * 1024
"""What comes next may end so far behind a block."""


class DirectFile:
    """Takes a file's bytes and writes them in blocks, one while the next is filled.

    Without a fault, the file is whole and on the disk when the context is left.
    """

    def __init__(self, path: Path) -> None:
        """Make the file.

        Raises:
            FileExistsError: There is one.
        """
        self._file = path.open("xb", buffering=0)
        self._is_direct = self._set_direct(on=True)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="direct-file")
        self._filled, self._other = _block(), _block()
        self._end = 0
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None
    ) -> None:
        """Write what is left, if all went well."""
        try:
            if kind is None:
                self._written()
                self._set_direct(on=False)  # the last block may have any length
                self._put(self._filled[: self._end])
                os.fsync(self._file.fileno())
        finally:
            self._writer.shutdown()
            self._file.close()

    @contextmanager
    def room(self, length: int) -> Iterator[memoryview]:
        """Give memory for the next so many bytes, as many as a block has room behind it at most.

        Raises:
            OSError: A block before could not be written.
        """
        yield self._filled[self._end : self._end + length]
        self._end += length
        if self._end >= _BLOCK_BYTES:
            self._written()
            block, more = self._filled[:_BLOCK_BYTES], self._filled[_BLOCK_BYTES : self._end]
            self._other[: len(more)] = more
            self._writing = self._writer.submit(self._put, block)
            self._filled, self._other = self._other, self._filled
            self._end = len(more)

    def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _put(self, block: memoryview) -> None:
        while block:
            try:
                block = block[self._file.write(block) :]
            except OSError as error:
                if error.errno != errno.EINVAL or not self._is_direct:
                    raise
                self._is_direct = self._set_direct(on=False)  # some say only now that they cannot

    def _set_direct(self, *, on: bool) -> bool:
        """Write past the cache from now on, or through it; return whether it is past it."""
        flags = fcntl.fcntl(self._file, fcntl.F_GETFL)
        flags = flags | os.O_DIRECT if on else flags & ~os.O_DIRECT
        try:
            fcntl.fcntl(self._file, fcntl.F_SETFL, flags)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return False
        return on


def _block() -> memoryview:
    """Return memory for a block and more that begins at a page, as `O_DIRECT` asks."""
    size, flags = _BLOCK_BYTES + _MORE_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return memoryview(mmap.mmap(-1, size, flags=flags))
