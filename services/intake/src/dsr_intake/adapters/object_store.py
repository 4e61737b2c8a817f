"""The object store, through obstore: a folder, or a bucket of a provider."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from io import FileIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from dsr_core.errors import Unavailable
from dsr_intake.adapters.direct_file import DirectFile
from dsr_intake.ports import Fetch, ObjectSink, PartMissing

__all__ = ["Objects"]

_BUFFER_BYTES = 10 * 1024 * 1024
"""Of each part of an upload; S3 takes 10,000 parts, so a package can have 100 GB."""

_LONG = 256 * 1024
"""What is shorter is read before another thread would have begun to."""

_AT_ONCE = 2
_DELETED_TOGETHER = 1000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Objects:
    """Reads and writes objects; the port's text says what holds."""

    def __init__(self, url: str) -> None:
        """Take a URL like file:///folder or s3://bucket/prefix; a folder is made."""
        self._folder: Path | None = None
        if url.startswith("file://"):
            self._folder = Path(unquote(urlsplit(url).path))
            self._store: ObjectStore = LocalStore(self._folder, mkdir=True)
        else:
            retries = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
            self._store = from_url(url, retry_config=retries)  # type: ignore[call-overload]  # its overloads know no scheme that is read from a setting

    @contextmanager
    def reading(self) -> Iterator[Fetch]:
        """Give what fetches whole objects; a long one is fetched ahead."""
        with ThreadPoolExecutor(1, thread_name_prefix="objects") as ahead:

            def fetch(path: str, buffer: memoryview) -> Future[int]:
                if len(buffer) >= _LONG:
                    return ahead.submit(self._fill, path, buffer)
                fetched: Future[int] = Future()
                fetched.set_result(self._fill(path, buffer))
                return fetched

            yield fetch

    def range(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes of an object from a place to before another."""
        with _translated():
            return bytes(obstore.get_range(self._store, path, start=start, end=end))

    @contextmanager
    def writing(self, path: str) -> Iterator[ObjectSink]:
        """Give what takes an object's bytes; left with a fault, nothing is there."""
        try:
            with _translated(), self._written(path) as sink:
                yield sink
        except PartMissing as error:
            raise Unavailable("a folder of the object store went away") from error

    async def look(self) -> str:
        """Return once the store has answered what there is in a folder that is always empty."""

        def listed() -> None:
            with _translated():
                for _ in obstore.list(self._store, "dsr-is-it-there/", chunk_size=1):
                    return

        await asyncio.to_thread(listed)
        return "answers"

    def delete_all(self, folder: str) -> int:
        """Delete every object below a folder."""
        count = 0
        with _translated():
            for found in obstore.list(self._store, f"{folder}/", chunk_size=_DELETED_TOGETHER):
                paths = [one["path"] for one in found]
                obstore.delete(self._store, paths)
                count += len(paths)
        if self._folder is not None:
            # What an upload has left that was killed is not listed.
            shutil.rmtree(self._folder / folder, ignore_errors=True)
        return count

    def _written(self, path: str) -> AbstractContextManager[ObjectSink]:
        if (
            self._folder is not None
        ):  # without a copy of each part, which costs as much as to write it
            return _file(self._folder / path)
        return self._uploaded(path)

    @contextmanager
    def _uploaded(self, path: str) -> Iterator[ObjectSink]:
        with obstore.open_writer(
            self._store, path, buffer_size=_BUFFER_BYTES, max_concurrency=_AT_ONCE
        ) as writer:
            yield _Upload(writer.write)

    def _fill(self, path: str, buffer: memoryview) -> int:
        with _translated():
            if self._folder is not None:
                with self._opened(self._folder, path) as file:
                    filled = 0
                    while some := file.readinto(
                        buffer[filled:]
                    ):  # a disk far away gives less at once
                        filled += some
                    return os.fstat(file.fileno()).st_size
            found = obstore.get(self._store, path)
            size = found.meta["size"]
            if size <= len(buffer):
                buffer[:size] = found.bytes()
            return size

    @staticmethod
    def _opened(folder: Path, path: str) -> FileIO:
        """Open a file; a folder that is not mounted, or was emptied, is a store that is away."""
        try:
            return (folder / path).open("rb", buffering=0)
        except FileNotFoundError as error:
            if not (folder / Path(path).parts[0]).is_dir():
                raise Unavailable("the object store has none of its folders") from error
            raise


class _Upload:
    """Has memory of its own for what comes next, since the upload goes on with what it has taken."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._room = memoryview(b"")

    @contextmanager
    def room(self, length: int) -> Iterator[memoryview]:
        """Give memory for the next so many bytes."""
        if len(self._room) < length:
            self._room = memoryview(bytearray(length))
        yield self._room[:length]
        self._write(bytes(self._room[:length]))


@contextmanager
def _file(path: Path) -> Iterator[ObjectSink]:
    """Give a file that has its name once it is whole and on the disk; left with a fault, it is gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_name(f"{path.name}#{uuid.uuid4().int}")  # such names are not listed
    try:
        with DirectFile(begun) as file:
            yield file
        begun.replace(path)
        for folder in (path.parent, path.parent.parent):
            _flush(folder)
    finally:
        begun.unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    """Have the names in a folder on the disk too."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise PartMissing from error
    except (BaseError, OSError) as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise Unavailable("the object store is full") from error
        raise Unavailable(f"the object store does not do it: {type(error).__name__}") from error
