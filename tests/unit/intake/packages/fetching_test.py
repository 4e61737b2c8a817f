"""Any range of a package is read alone, and nothing else is taken for one."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dsr_core.errors import RejectedInput
from dsr_intake.application.packages.fetching import Part, part_of
from dsr_intake.application.packages.pieces import (
    PIECE_BYTES,
    PieceCipher,
    PieceWriter,
    decrypted,
    stored_size,
)
from dsr_wire.sealing_keys import PrivateSealingKey
from support.builders import a_request_id


class Stored(bytearray):
    """An object in memory."""

    @contextmanager
    def room(self, length: int) -> Iterator[memoryview]:
        buffer = bytearray(length)
        yield memoryview(buffer)
        self.extend(buffer)


@pytest.mark.parametrize(
    "size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES]
)
def test_every_range_of_a_package_reads_as_it_was_written_in_whatever_portions(size: int) -> None:
    content = os.urandom(size)
    cipher = PieceCipher(PrivateSealingKey.generate(), request_id=a_request_id(), assembly_id="one")
    stored = Stored()
    writer = PieceWriter(stored, cipher)
    rest, choice = memoryview(content), random.Random(size)
    while rest:
        taken = choice.randint(1, 2 * PIECE_BYTES)
        writer.write(rest[:taken])
        rest = rest[taken:]
    writer.finish()
    assert (writer.size, len(stored)) == (size, stored_size(size))
    edges = {0, 1, size // 2, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, size - 1, size}
    places = sorted(one for one in edges if 0 <= one <= size)
    for start in places:
        for end in places:
            if start < end:
                read = decrypted(cipher, size, start, end, lambda a, b: bytes(stored[a:b]))
                assert b"".join(read) == content[start:end]


def test_a_package_that_is_cut_at_a_piece_does_not_open() -> None:
    cipher = PieceCipher(PrivateSealingKey.generate(), request_id=a_request_id(), assembly_id="one")
    stored = Stored()
    writer = PieceWriter(stored, cipher)
    writer.write(bytes(2 * PIECE_BYTES))
    writer.finish()
    short = PIECE_BYTES
    with pytest.raises(RejectedInput, match="not what was written"):
        list(decrypted(cipher, short, 0, short, lambda a, b: bytes(stored[a:b])))


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", Part(0, 1)),
        ("bytes=5-", Part(5, 100)),
        ("bytes=-5", Part(95, 100)),
        ("bytes=-500", Part(0, 100)),
        ("bytes=90-1000", Part(90, 100)),
        (None, None),
        ("", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_one_range_of_bytes_is_understood(asked: str | None, part: Part | None) -> None:
    assert part_of(asked, 100) == part


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=5-4", "bytes=-0"])
def test_bytes_that_are_not_there_are_refused(asked: str) -> None:
    with pytest.raises(RejectedInput, match="no such bytes"):
        part_of(asked, 100)
