"""The archive: byte for byte what the standard library's `zipfile` writes as a stream."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any, cast

import pytest

from dsr_core.errors import RejectedInput
from dsr_intake.application.packages.archive import Archive
from dsr_intake.application.packages.pieces import PieceWriter
from support.builders import NOW

DATE: Any = NOW.timetuple()[:6]
PORTION = bytes(64 << 20)
"""So long that no header is."""

DIRECTORY = b"PK\x01\x02"


class _Stream:
    """Takes bytes, cannot be sought in, and of what is as long as a portion keeps that it came."""

    def __init__(self) -> None:
        self.size = 0
        self.content = bytearray()

    def write(self, data: bytes | memoryview) -> int:
        self.size += len(data)
        self.content += b"(a portion)" if len(data) == len(PORTION) else data
        return len(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        pass


def _write(stream: _Stream, files: Iterable[tuple[str, Iterable[bytes], int]]) -> None:
    with Archive(cast(PieceWriter, stream), at=NOW) as archive:
        for path, portions, size in files:
            archive.add(path, portions, size=size)


def _ours(files: Iterable[tuple[str, list[bytes]]]) -> _Stream:
    stream = _Stream()
    _write(stream, ((path, portions, sum(map(len, portions))) for path, portions in files))
    return stream


def _standard(files: Iterable[tuple[str, list[bytes]]]) -> _Stream:
    stream = _Stream()
    with zipfile.ZipFile(cast(io.BytesIO, stream), "w") as archive:
        for path, portions in files:
            info = zipfile.ZipInfo(path, DATE)
            info.external_attr, info.create_system = 0o600 << 16, 3
            is_long = sum(map(len, portions)) >= 1 << 30
            with archive.open(info, "w", force_zip64=is_long) as file:
                for portion in portions:
                    file.write(portion)
    return stream


FILES = {
    "a few": [("data/crm/orders.jsonl", [b"{}\n", b"[]\n"]), ("data/crm/é.txt", [b"x"]), ("e", [])],
    "one of two gigabytes, and one behind it": [
        ("film.mp4", [PORTION] * 33),
        ("index.html", [b"<html>"]),
    ],
    "more than 65,535": [(f"data/{number}", [b"x"]) for number in range(1 << 16)],
}


@pytest.mark.parametrize("files", FILES.values(), ids=FILES.keys())
def test_an_archive_is_what_the_standard_library_writes(
    files: list[tuple[str, list[bytes]]],
) -> None:
    assert _ours(files).content == _standard(files).content


def test_a_file_that_is_far_longer_than_was_said_makes_no_archive() -> None:
    stream = _Stream()
    with pytest.raises(zipfile.LargeZipFile):
        _write(stream, [("film.mp4", [PORTION] * 32, 1)])
    assert DIRECTORY not in stream.content


def test_an_archive_that_was_left_with_a_fault_has_no_directory() -> None:
    def breaking() -> Iterator[bytes]:
        yield b"x"
        raise RejectedInput("corrupted_part", "not what was encrypted")

    stream = _Stream()
    with pytest.raises(RejectedInput):
        _write(stream, [("a", breaking(), 1)])
    assert DIRECTORY not in stream.content
