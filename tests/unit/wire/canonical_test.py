"""One document has one form of bytes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dsr_wire.canonical import canonical, moment, read_canonical, timestamp


def test_keys_are_sorted_and_there_is_no_white_space() -> None:
    assert (
        canonical({"b": [1, None], "a": {"\u00e9": "x y"}})
        == '{"a":{"é":"x y"},"b":[1,null]}'.encode()
    )


@pytest.mark.parametrize(
    "data", [b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1}\n', b'{"a":1,"a":1}', b'"\\u00e9"']
)
def test_another_form_of_the_same_document_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="canonical"):
        read_canonical(data)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff\xfe", b"NaN", b'"\\ud800"', b"18446744073709551616"]
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not"):
        read_canonical(data)


def test_what_was_written_is_read() -> None:
    document = {"v": 1, "list": ["a", {"b": True}]}
    assert read_canonical(canonical(document)) == document


@pytest.mark.parametrize("year", [1, 999, 1970, 9999])
def test_a_moment_is_written_in_full(year: int) -> None:
    at = datetime(year, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert timestamp(at) == f"{year:04}-01-02T03:04:05.000000Z"
    assert moment(timestamp(at)) == at


@pytest.mark.parametrize(
    "text", ["", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z", "2026-1-02T03:04:05.000000Z"]
)
def test_a_moment_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - strptime has its own text
        moment(text)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        timestamp(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the fault
