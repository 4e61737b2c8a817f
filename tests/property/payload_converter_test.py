"""What fanout writes to Temporal is what Temporal's own converter writes, and either reads the other."""

from __future__ import annotations

import dataclasses
import json
import types
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter

from dsr_fanout import orders
from dsr_runtime.payload_converter import DataClassConverter

OURS, THEIRS = DataClassConverter(), PayloadConverter.default

SIMPLE: dict[object, st.SearchStrategy[object]] = {
    datetime: st.datetimes(
        min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        timezones=st.sampled_from(
            [UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=9))]
        ),
    ),
    float: st.floats(allow_nan=False, allow_infinity=False),
    int: st.integers(-(2**53), 2**53),
    str: st.text(),
    bool: st.booleans(),
    types.NoneType: st.none(),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that stands in an order."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    if dataclasses.is_dataclass(hint):
        fields = {one.name: values(one.type) for one in dataclasses.fields(hint)}
        return st.builds(hint, **fields)
    of = [values(one) for one in get_args(hint)]
    if get_origin(hint) is list:
        return st.lists(of[0], max_size=2)
    if get_origin(hint) is dict:
        return st.dictionaries(of[0], of[1], max_size=2)
    return st.one_of(of)


KINDS = [
    kind
    for kind in vars(orders).values()
    if dataclasses.is_dataclass(kind) and getattr(kind, "__module__", "") == orders.__name__
]


def test_there_are_kinds() -> None:
    assert len(KINDS) > 15


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_either_reads_what_the_other_writes(kind: type, data: st.DataObject) -> None:
    value = data.draw(values(kind))
    [ours], [theirs] = OURS.to_payloads([value]), THEIRS.to_payloads([value])
    assert ours.metadata == theirs.metadata
    assert json.loads(ours.data) == json.loads(theirs.data)
    for reader in (OURS, THEIRS):
        for written in (ours, theirs):
            assert reader.from_payloads([written], [kind]) == [value]


@pytest.mark.parametrize(
    "value", [None, b"", b"\x00x", "", "dsr", 0, 7, 0.5, True, ["a"], {"a": 1}]
)
def test_what_is_no_data_class_is_as_before(value: object) -> None:
    [ours], [theirs] = OURS.to_payloads([value]), THEIRS.to_payloads([value])
    assert (ours.metadata, ours.data) == (theirs.metadata, theirs.data)
    assert OURS.from_payloads([theirs]) == THEIRS.from_payloads([ours]) == [value]


def test_fields_of_a_later_version_are_passed_over() -> None:
    later = Payload(metadata={"encoding": b"json/plain"}, data=b'{"confirmed":2,"of_later":[1]}')
    assert OURS.from_payloads([later], [orders.CohortPhases]) == [orders.CohortPhases(confirmed=2)]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'{"confirmed":"two-people"}', b"{}", b"[]", b'{"confirmed":null}', b"\xff"],
)
def test_what_cannot_be_read_is_said_without_its_value(data: bytes) -> None:
    wrong = Payload(metadata={"encoding": b"json/plain"}, data=data)
    with pytest.raises(RuntimeError) as raised:
        OURS.from_payloads([wrong], [orders.CohortPhases])
    assert "two-people" not in repr(raised.value)
    assert raised.value.__cause__ is None or "two-people" not in repr(raised.value.__cause__)
