"""The search for leaks looks into what is packed, counts what it has read, and finds what is planted."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from support.leaks import leaks, report

MARK = "canary-0123456789ab"


def a_batch(compression: int, value: bytes, *, header: bytes = b"") -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=compression,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1_000_000,
    )
    for offset in range(20):
        builder.append(
            offset, timestamp=1, key=b"k", value=value * (offset == 7) + b"x" * 500,
            headers=[("h", header)],
        )  # fmt: skip
    return bytes(builder.build())


@pytest.mark.parametrize(
    "compression", [0, 1, 2, 3, 4], ids=["none", "gzip", "snappy", "lz4", "zstd"]
)
def test_a_value_in_a_packed_batch_of_kafka_is_found(tmp_path: Path, compression: int) -> None:
    log = tmp_path / "kafka" / "00000000000000000000.log"
    log.parent.mkdir()
    spread = "-".join(MARK).encode()  # not as it is, so that it is found in no packed form by luck
    plain = a_batch(0, b"nothing")
    log.write_bytes(plain + a_batch(compression, spread) + plain + b"\x00" * 4096)
    assert leaks(tmp_path, [MARK]) == []
    for header, value in ((b"", MARK.encode()), (MARK.encode(), b"")):
        log.write_bytes(plain + a_batch(compression, value, header=header) + b"\x00" * 4096)
        found = leaks(tmp_path, [MARK])
        assert any(MARK in one for one in found)
        assert (compression == 0) or any(one.endswith(", unpacked") for one in found)


def test_a_value_in_a_gzip_file_is_found(tmp_path: Path) -> None:
    content = b"x" * 3_000_000 + MARK.encode() + b"y" * 100
    (tmp_path / "old.log.gz").write_bytes(gzip.compress(content))
    [hit] = leaks(tmp_path, [MARK])
    assert hit.startswith(f"old.log.gz: {MARK} (")
    assert hit.endswith(", unpacked")


def test_what_was_searched_is_counted_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(b"x" * 1000)
    (tmp_path / "logs" / "b.log").write_bytes(b"y" * 500)
    (tmp_path / "told").write_bytes(b"z" * 7)
    (tmp_path / "index.index").write_bytes(b"0" * 100)
    read: Counter[str] = Counter()
    assert leaks(tmp_path, [MARK], read) == []
    assert report(read).splitlines() == [
        "logs: 1,500 bytes",
        "told: 7 bytes",
        "in all: 1,507 bytes",
    ]
