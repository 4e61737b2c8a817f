"""The object store, through obstore: a folder, or a bucket of a provider."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from dsr_core.errors import Unavailable
from dsr_intake.adapters.direct_file import DirectFile
from dsr_intake.adapters.object_parts import PartedObject, read_parts
from dsr_intake.ports import Fetch, ObjectSink, PartMissing

__all__ = ["Objects"]

_LONG = 256 * 1024
"""What is shorter is read before another thread would have begun to."""

_DELETED_TOGETHER = 1000
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,50})</Code>")
_NO_ANSWER = re.compile(r"HttpError \{\s+kind: (\w{1,20})")
_NO_FOLDERS = "the object store has none of its folders"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Objects:
    """Reads and writes objects; the port's text says what holds."""

    def __init__(self, url: str) -> None:
        """Take a URL like file:///folder or s3://bucket/prefix; a folder is made."""
        self._folder: Path | None = None
        self._looking = ThreadPoolExecutor(1, thread_name_prefix="object-store-look")
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
        with self._found(path):
            if self._folder is not None:
                return bytes(obstore.get_range(self._store, path, start=start, end=end))
            try:
                return read_parts(self._store, path, start, end)
            except FileNotFoundError:  # a package of before they had parts is one object
                return bytes(obstore.get_range(self._store, path, start=start, end=end))

    @contextmanager
    def writing(self, path: str) -> Iterator[ObjectSink]:
        """Give what takes an object's bytes; left with a fault, nothing is there."""
        with _translated(), self._written(path) as sink:
            yield sink

    async def look(self) -> str:
        """Return once the store has answered what there is in a folder that is always empty.

        In a thread of its own: one that waits for a store which hangs would be missing elsewhere.
        """

        def listed() -> None:
            self._require_folder()
            with _translated():
                for _ in obstore.list(self._store, "dsr-is-it-there/", chunk_size=1):
                    return

        await asyncio.get_running_loop().run_in_executor(self._looking, listed)
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
            self._require_folder()
            return _file(self._folder / path)
        return self._uploaded(path)

    @contextmanager
    def _uploaded(self, path: str) -> Iterator[ObjectSink]:
        is_whole = False
        try:
            with PartedObject(self._store, path) as sink:
                yield sink
            is_whole = True
        finally:
            if not is_whole:
                # Where the store is away, whoever begins it again or has it expire finds it there.
                with suppress(Unavailable):
                    self.delete_all(path)

    def _fill(self, path: str, buffer: memoryview) -> int:
        with self._found(path):
            if self._folder is not None:
                with (self._folder / path).open("rb", buffering=0) as file:
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

    @contextmanager
    def _found(self, path: str) -> Iterator[None]:
        """Tell an object that is missing from a store that is away: a bucket, or a folder that is not mounted."""
        try:
            with _translated(but=FileNotFoundError):
                yield
        except FileNotFoundError as error:
            if not self._has(Path(path).parts[0]):
                raise Unavailable(_NO_FOLDERS) from error
            raise PartMissing from error

    def _require_folder(self) -> None:
        if self._folder is not None and not self._folder.is_dir():
            raise Unavailable(_NO_FOLDERS)

    def _has(self, folder: str) -> bool:
        if self._folder is not None:
            return (self._folder / folder).is_dir()
        with _translated():
            return any(obstore.list(self._store, f"{folder}/", chunk_size=1))


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
def _translated(*, but: type[OSError] | tuple[()] = ()) -> Iterator[None]:
    try:
        yield
    except but:
        raise
    except (BaseError, OSError) as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise Unavailable("the object store is full") from error
        raise Unavailable(f"the object store does not do it: {_said(error)}") from error


def _said(error: Exception) -> str:
    """Return what a store has answered, or that it did not: of its text only what has no path in it."""
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    text = str(error)
    answer = [*_STATUS.findall(text)[:1], *_CODE.findall(text)[:1]]
    if not answer and (kind := _NO_ANSWER.search(text)):
        return f"no answer ({kind[1]})"
    return " ".join(answer) or type(error).__name__
