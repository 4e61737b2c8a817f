"""What is packed in files that a stack writes: batches in Kafka's logs, and gzip files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from aiokafka.record.memory_records import MemoryRecords

__all__ = ["unpacked"]

_HEAD = struct.Struct(">qiibIh")
"""The beginning of a batch: offset, length, leader's epoch, magic, checksum, attributes."""

_BEFORE_LENGTH = 12
_MAGIC = 2
_CODEC = 0x07
_GZIP = b"\x1f\x8b\x08"
_STEP = 1_048_576


def unpacked(path: Path) -> Iterator[bytes]:
    """Yield what is packed in a file; nothing where nothing is, or where the file has gone meanwhile."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(_GZIP))
    except FileNotFoundError:
        return
    if begin == _GZIP:
        yield from _gzip(path)
    elif path.suffix == ".log":
        yield from _batches(path)


def _gzip(path: Path) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        while packed := file.read(_STEP):
            yield member.decompress(packed)


def _batches(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            _, length, _, magic, _, attributes = _HEAD.unpack(head)
            rest = length + _BEFORE_LENGTH - _HEAD.size
            if magic != _MAGIC or rest < 0:
                return  # no log of Kafka's, or its unwritten end
            if not attributes & _CODEC:
                file.seek(rest, 1)
                continue
            records = MemoryRecords(head + file.read(rest))
            while (batch := records.next_batch()) is not None:
                for record in batch:
                    headers = [part for pair in record.headers for part in pair]
                    parts = [record.key, record.value, *headers]
                    yield b"\n".join(
                        one.encode() if isinstance(one, str) else bytes(one or b"") for one in parts
                    )
