"""Header names that are not UTF-8 are read, escaped, and so is every record after them."""

from __future__ import annotations

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from dsr_runtime.kafka_headers import tolerate_header_names
from support.names import BadName

GZIP = 1
Headers = list[tuple[str, bytes | None]]


def a_batch(*headers: Headers, compression: int = 0) -> bytes:
    builder = _DefaultRecordBatchBuilderPy(
        magic=2,
        compression_type=compression,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1_000_000,
    )
    for offset, one in enumerate(headers):
        builder.append(offset, 1_000, b"key", b"value %d" % offset, one)
    return bytes(builder.build())


def read(data: bytes) -> list[tuple[int, bytes | None, Headers]]:
    tolerate_header_names()
    found = fetcher.MemoryRecords(data)
    assert found.size_in_bytes() == len(data)
    records = []
    while found.has_next():
        batch = found.next_batch()
        assert batch.validate_crc()
        assert not batch.is_control_batch
        records += [(one.offset, one.value, one.headers) for one in batch]
    assert found.next_batch() is None
    return records


@pytest.mark.parametrize("compression", [0, GZIP])
def test_bad_name_in_the_middle_is_escaped_and_nothing_is_lost(compression: int) -> None:
    good: Headers = [("ce_id", b"1"), ("ce_type", None)]
    bad: Headers = [(BadName(), b"2"), ("ce_id", b"3")]
    data = a_batch(good, bad, good, compression=compression) + a_batch(good)
    assert read(data) == [
        (0, b"value 0", good),
        (1, b"value 1", [("\\xff\\xfe", b"2"), ("ce_id", b"3")]),
        (2, b"value 2", good),
        (0, b"value 0", good),
    ]


def test_batch_without_bad_names_is_read_as_ever() -> None:
    assert read(a_batch([("é", b"1")], [])) == [
        (0, b"value 0", [("é", b"1")]),
        (1, b"value 1", []),
    ]
