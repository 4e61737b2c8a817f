"""What goes through Temporal is ids, dates, counts and words of ours; one answer's text apart."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from dsr_fanout import orders
from support.payloads import MAY_HOLD, OPERATORS_WORDS, encodings, fields, unexpected

HISTORIES = {
    path.stem: json.loads(path.read_text())
    for path in (Path(__file__).parent / "histories").glob("*.json")
}


@pytest.mark.parametrize("name", sorted(HISTORIES))
def test_a_recorded_history_holds_what_is_allowed_and_nothing_else(name: str) -> None:
    found = list(fields(HISTORIES[name]))
    assert encodings(HISTORIES[name]) == {"json/plain"}
    assert len(found) > 20
    assert unexpected(found) == []


def test_text_of_people_is_in_answers_by_two_operators_alone() -> None:
    found = {
        field
        for history in HISTORIES.values()
        for field, value in fields(history)
        if field in OPERATORS_WORDS and value
    }
    assert found == set(OPERATORS_WORDS)


def test_every_field_that_an_order_can_have_is_known() -> None:
    containers = {
        "order", "decided", "apart", "position", "settled", "pending", "unsent", "holds",
    }  # fmt: skip
    words = {name.removeprefix("settled.") for name in OPERATORS_WORDS}
    named = {
        field.name
        for kind in vars(orders).values()
        if isinstance(kind, type)
        and dataclasses.is_dataclass(kind)
        and kind.__module__ == orders.__name__
        for field in dataclasses.fields(kind)
    }
    assert len(named) > 50
    assert named - containers - words - MAY_HOLD.keys() == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jurisdiction", "someone@example.com"),
        ("request_ids", "someone@example.com"),
        ("system_ids", "Some One"),
        ("due_at", "1980-01-01"),
        ("reason", "the system was switched off"),
        ("email", "x"),
    ],
)
def test_what_does_not_belong_there_is_found(name: str, value: str) -> None:
    assert unexpected([(name, value)]) == [name]
