"""A file that is written past the page cache is what was written, whatever its length and its file system."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import threading
from pathlib import Path

import pytest

from dsr_intake.adapters import direct_file
from dsr_intake.adapters.direct_file import DirectFile

BLOCK = 4 * 1024 * 1024
PORTION = 1_000_003
"""No divisor of a block."""

SIZES = [0, 1, PORTION, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + PORTION]


def written(path: Path, size: int) -> None:
    """Write so many bytes in portions, and read them back."""
    content = os.urandom(size)
    with DirectFile(path) as file:
        for start in range(0, size, PORTION):
            portion = content[start : start + PORTION]
            with file.room(len(portion)) as buffer:
                buffer[:] = portion
    assert path.read_bytes() == content


def fill(file: DirectFile, size: int) -> None:
    """Write so many zeros."""
    while size:
        some = min(size, PORTION)
        with file.room(some) as buffer:
            buffer[:] = bytes(some)
        size -= some


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_any_length_is_what_was_written(tmp_path: Path, size: int) -> None:
    written(tmp_path / "one", size)


@pytest.mark.parametrize("size", SIZES)
def test_so_is_one_on_a_file_system_that_knows_only_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def refusing(file: object, command: int, flags: int = 0) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "no")
        return fcntl_before(file, command, flags)  # type: ignore[arg-type]  # whatever it was given

    fcntl_before = fcntl.fcntl
    monkeypatch.setattr(direct_file.fcntl, "fcntl", refusing)
    written(tmp_path / "one", size)


@pytest.mark.parametrize("size", SIZES)
def test_so_is_one_on_a_file_system_that_says_so_only_when_it_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """What is not at a sector's beginning is refused by every disk, with the same word."""
    monkeypatch.setattr(direct_file, "_block", lambda: memoryview(bytearray(2 * BLOCK + 1))[1:])
    written(tmp_path / "one", size)


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"before")
    with pytest.raises(FileExistsError):
        DirectFile(tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == b"before"


def test_a_block_that_could_not_be_written_is_told_with_a_later_one_or_at_the_end(
    tmp_path: Path,
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BLOCK, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"), DirectFile(tmp_path / "one") as file:
            fill(file, 2 * BLOCK)
        with pytest.raises(OSError, match="File too large"), DirectFile(tmp_path / "two") as file:
            fill(file, 10 * BLOCK)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "two").stat().st_size == BLOCK


def test_with_a_fault_of_the_writer_its_thread_ends_and_the_fault_goes_on(tmp_path: Path) -> None:
    def broken(file: DirectFile) -> None:
        fill(file, BLOCK + 1)
        assert threading.active_count() == before + 1
        raise RuntimeError("why")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="why"), DirectFile(tmp_path / "one") as file:
        broken(file)
    assert threading.active_count() == before


def test_what_was_not_filled_without_a_fault_does_not_count(tmp_path: Path) -> None:
    def broken(buffer: memoryview) -> None:
        buffer[:] = b"half"
        raise RuntimeError("why")

    with DirectFile(tmp_path / "one") as file:
        with pytest.raises(RuntimeError, match="why"), file.room(4) as buffer:
            broken(buffer)
        with file.room(5) as buffer:
            buffer[:] = b"whole"
    assert (tmp_path / "one").read_bytes() == b"whole"
