"""The outbox's rows: one key in one slot, and a record comes out as it went in."""

from __future__ import annotations

from dsr_runtime.outbox import _record, columns, ddl
from dsr_runtime.records import Record

RECORDS = [
    Record("t", b"cohort-%d" % (number % 7), b"\x00\xff%d" % number, (("ce_id", "é".encode()),))
    for number in range(50)
]


def test_a_key_is_always_in_one_slot() -> None:
    slots, _, keys, _, _ = columns(RECORDS)
    assert len(set(zip(keys, slots, strict=True))) == len(set(keys)) == 7
    assert all(0 <= slot < 16 for slot in slots)


def test_keys_spread_over_the_slots() -> None:
    slots, *_ = columns([Record("t", b"%d" % number, b"") for number in range(1000)])
    assert set(slots) == set(range(16))


def test_the_slot_of_a_key_never_changes() -> None:
    slots, *_ = columns([Record("t", b"018f0000", b""), Record("t", b"", b"")])
    assert slots == [1, 0]


def test_a_record_comes_out_as_it_went_in() -> None:
    _, topics, keys, values, headers = columns(RECORDS)
    rows = [
        {"topic": topic, "key": key, "value": value, "headers": text}
        for topic, key, value, text in zip(topics, keys, values, headers, strict=True)
    ]
    assert [_record(row) for row in rows] == RECORDS


def test_the_table_is_made_in_the_service_s_own_schema() -> None:
    assert "create table intake.outbox" in ddl("intake")
