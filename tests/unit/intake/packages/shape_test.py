"""The shape of a table: no name that was not learnt passes, wherever it stands."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from dsr_intake.application.packages.shape import Shape

ORDER: dict[str, Any] = {"id": 1, "city": "Berlin", "at": {"zip": "10115"}, "tags": ["a", {"n": 1}]}


def has(learnt: list[dict[str, Any]], *lines: bytes) -> bool:
    return Shape(learnt).has(b"".join(line + b"\n" for line in lines))


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"city": None, "id": "seven"},
        {"at": None, "tags": 0.5},
        {"at": {}, "tags": []},
        {"tags": [{"n": True}, "a", None, {}]},
        {"id": 2**70, "city": "B\u00e4rlin {[\n"},
    ],
)
def test_records_with_names_that_were_learnt_have_the_shape(record: dict[str, Any]) -> None:
    assert has([ORDER], orjson.dumps(ORDER), json.dumps(record).encode())


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":1,"password":"x"}',
        b'{"id":1,"pass\\u0077ord":"x"}',
        b'{"id":{"password":"x"}}',
        b'{"city":["a"]}',
        b'{"at":{"zip":"1","password":"x"}}',
        b'{"at":[{"password":"x"}]}',
        b'{"tags":[{"n":1,"password":"x"}]}',
        b'{"tags":[["a"]]}',
        b'{"id":1,"password":"x","id":2}',
    ],
)
def test_a_name_that_was_not_learnt_is_noticed_wherever_it_stands(line: bytes) -> None:
    assert not has([ORDER], b'{"id":1}', line)


@pytest.mark.parametrize(
    "line", [b"", b"7", b"null", b"[]", b'{"id":1', b"{'id':1}", b'{"id":1}{"id":2}', b'{"id":\n1}']
)
def test_a_line_that_is_no_record_is_noticed(line: bytes) -> None:
    assert not has([ORDER], b'{"id":1}', line)


def test_two_records_in_a_line_and_none_in_the_next_are_noticed() -> None:
    assert not has([ORDER], b'{"id":1}{"id":2}', b"")


def test_names_of_any_record_are_learnt() -> None:
    assert has([{"id": 1}, {"at": 2}, {"at": {"zip": 1}}], b'{"id":3,"at":{"zip":2}}')


@pytest.mark.parametrize(
    "learnt", [{f"person-{number}": 1 for number in range(1001)}, {'"': 1}, {"\n": 1}]
)
def test_records_whose_names_are_data_have_no_shape(learnt: dict[str, Any]) -> None:
    assert not has([learnt], orjson.dumps(learnt))


def test_what_nests_without_end_has_no_shape() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"in": deep}
    assert not has([deep], b"{}")
    assert not has([ORDER], b'{"tags":' + b"[" * 5000 + b"]" * 5000 + b"}")
