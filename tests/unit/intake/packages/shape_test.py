"""The shape of a table: no name or type that was not learnt passes, wherever it stands."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_intake.application.packages.record_form import RecordForm
from dsr_intake.application.packages.shape import Shape

ORDER: dict[str, Any] = {"id": 1, "city": "Berlin", "at": {"zip": "10115"}, "tags": ["a", {"n": 1}]}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.sampled_from([0.5, 1.0, -0.0, 2.0**70])
    | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=5,
)
RECORDS = st.lists(st.dictionaries(st.sampled_from("abcd"), VALUES), min_size=1, max_size=4)


def has(learnt: list[dict[str, Any]], *lines: bytes) -> bool:
    form = RecordForm()
    form.take(learnt)
    if form.records is None:
        return False
    return Shape(form.records).has(b"".join(line + b"\n" for line in lines))


@pytest.mark.parametrize(
    "record",
    [
        {"id": 3, "city": "B\u00e4rlin {[\n", "at": {"zip": ""}, "tags": []},
        {"id": 2**70, "city": "", "at": {"zip": "1"}, "tags": ["b", {"n": 0}, "c"]},
    ],
)
def test_records_of_the_form_that_was_learnt_have_the_shape(record: dict[str, Any]) -> None:
    assert has([ORDER], orjson.dumps(ORDER), json.dumps(record).encode())


@pytest.mark.parametrize(
    "record",
    [
        {},
        {**ORDER, "city": None},
        {**ORDER, "id": "seven"},
        {**ORDER, "id": 0.5},
        {**ORDER, "id": True},
        {**ORDER, "at": None},
        {**ORDER, "at": {}},
        {**ORDER, "tags": [None]},
        {**ORDER, "tags": [{}]},
    ],
)
def test_a_type_that_was_not_learnt_or_a_name_that_is_not_there_is_noticed(
    record: dict[str, Any],
) -> None:
    assert not has([ORDER], orjson.dumps(ORDER), orjson.dumps(record))
    assert has([ORDER, record], orjson.dumps(ORDER), orjson.dumps(record))


def test_an_element_is_noticed_where_none_was_learnt() -> None:
    assert has([{"tags": []}], b'{"tags":[]}')
    for line in (b'{"tags":[1]}', b'{"tags":[null]}', b'{"tags":[{}]}'):
        assert not has([{"tags": []}], line)


@given(RECORDS, RECORDS)
def test_what_has_the_shape_follows_the_schema(
    learnt: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    form = RecordForm()
    form.take(learnt)
    records, schema = form.records, form.schema("x")
    assert records is not None
    assert schema is not None
    assert Shape(records).has(b"".join(orjson.dumps(one) + b"\n" for one in learnt))
    if Shape(records).has(b"".join(orjson.dumps(one) + b"\n" for one in others)):
        for one in others:
            jsonschema_rs.validate(json.loads(schema), one)


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
    assert not has([{"id": 1}, ORDER], b'{"id":1}', line)


@pytest.mark.parametrize(
    "line", [b"", b"7", b"null", b"[]", b'{"id":1', b"{'id':1}", b'{"id":1}{"id":2}', b'{"id":\n1}']
)
def test_a_line_that_is_no_record_is_noticed(line: bytes) -> None:
    assert not has([{"id": 1}, ORDER], b'{"id":1}', line)


def test_two_records_in_a_line_and_none_in_the_next_are_noticed() -> None:
    assert not has([{"id": 1}], b'{"id":1}{"id":2}', b"")


def test_names_of_any_record_are_learnt() -> None:
    assert has([{"id": 1}, {"at": 2}, {"at": {"zip": 1}}, {}], b'{"id":3,"at":{"zip":2}}')


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
    assert not has([{"tags": [[]]}], b'{"tags":' + b"[" * 5000 + b"]" * 5000 + b"}")
