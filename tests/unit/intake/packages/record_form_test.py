"""The form of a table's records: each of them follows it, and what differs does not."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_intake.application.packages.record_form import RecordForm
from dsr_intake.application.packages.signing import ManifestSigner
from dsr_intake.application.packages.spreadsheet import SHEET_BYTES
from dsr_wire.packages.checking import check_package
from support.exports import lines, opened_package
from support.packages import REQUEST, SEED, World

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text()
)
NAMES = st.sampled_from(["id", "name", "at", "tags"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.lists(st.dictionaries(NAMES, VALUES), min_size=1)


def form(*rows: dict[str, Any]) -> dict[str, Any]:
    taken = RecordForm()
    taken.take(rows)
    schema = taken.schema("rows.jsonl")
    assert schema is not None
    found: dict[str, Any] = json.loads(schema)
    return found


def test_it_says_which_names_there_are_and_of_what_types() -> None:
    rows = [
        {"id": 1, "city": "Köln", "at": {"zip": "1", "flat": 2}, "tags": ["a"]},
        {"id": 2.5, "city": None, "at": {"zip": "2"}, "tags": []},
    ]
    assert form(*rows) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rows.jsonl",
        "type": "object",
        "required": ["at", "city", "id", "tags"],
        "properties": {
            "id": {"type": "number"},
            "city": {"type": ["null", "string"]},
            "at": {
                "type": "object",
                "required": ["zip"],
                "properties": {"zip": {"type": "string"}, "flat": {"type": "integer"}},
            },
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    }


@given(RECORDS)
def test_each_record_follows_it(rows: list[dict[str, Any]]) -> None:
    schema = form(*rows)
    jsonschema_rs.meta.validate(schema)
    for row in rows:
        jsonschema_rs.validate(schema, row)


@pytest.mark.parametrize("row", [{"id": "1", "n": 1}, {"id": 1, "n": "1"}, {"n": 1}])
def test_a_record_of_another_form_does_not(row: dict[str, Any]) -> None:
    schema = form({"id": 1, "n": 1}, {"id": 2, "n": None})
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema, row)


def nested(depth: int) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for _ in range(depth):
        record = {"a": record}
    return record


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([], id="nothing"),
        pytest.param([{"a": 1}, nested(40)], id="too deep"),
        pytest.param([nested(5000)], id="deeper than can be read"),
        pytest.param([{f"person-{n}": n for n in range(1001)}], id="keys"),
    ],
)
def test_what_has_no_form_has_none(rows: list[dict[str, Any]]) -> None:
    taken = RecordForm()
    taken.take(rows)
    taken.take([{"a": 1}] if rows else [])
    assert taken.schema("x.jsonl") is None


def test_records_that_look_in_ever_other_ways_are_taken_in_without_end() -> None:
    taken = RecordForm()
    names = [f"n{number}" for number in range(15)]
    for number in range(2**14):
        taken.take([{name: 1 for place, name in enumerate(names) if number >> place & 1}])
    schema = taken.schema("x")
    assert schema is not None
    assert json.loads(schema)["required"] == []
    assert set(json.loads(schema)["properties"]) == set(names[:14])


def test_a_package_has_it_beside_the_table_as_it_is_handed_over(tmp_path: Path) -> None:
    world = World(tmp_path)
    people = lines("a/people", [{"name": "Ann", "friend": "Bo", "passport": 7, "password": "x"}])
    rows = [{"id": number, "note": "x" * 1000, "by": None} for number in range(SHEET_BYTES // 1000)]
    large = lines("large", [*rows, {"id": 0.5, "note": None}, *rows])
    found = world.package({"crm": world.hand_over(people, large)})
    assert [one for one in found if one.startswith("schemas/")] == [
        "schemas/crm/a/people.schema.json",
        "schemas/crm/large.schema.json",
    ]
    of_large = json.loads(found["schemas/crm/large.schema.json"])
    assert of_large["required"] == ["id", "note"]
    assert of_large["properties"] == {
        "by": {"type": "null"},
        "id": {"type": "number"},
        "note": {"type": ["null", "string"]},
    }
    schema = found["schemas/crm/a/people.schema.json"]
    assert json.loads(schema)["required"] == ["friend", "name", "passport"]
    jsonschema_rs.validate(json.loads(schema), json.loads(found["data/crm/a/people.jsonl"]))
    manifest = json.loads(found["manifest.json"])
    jsonschema_rs.validate(json.loads(found["manifest.schema.json"]), manifest)
    [system] = [one for one in manifest["systems"] if one["id"] == "crm"]
    assert system["files"][0]["row_schema"] == {
        "path": "schemas/crm/a/people.schema.json",
        "size": len(schema),
        "sha256": hashlib.sha256(schema).hexdigest(),
    }


def test_a_package_with_it_is_good_and_a_change_in_it_is_named(tmp_path: Path) -> None:
    world = World(tmp_path)
    made = world.made({"crm": world.hand_over(lines("few", [{"id": 1}]))})
    package = opened_package(world.objects, made.path, made.size, world.key, REQUEST)
    keys = [ManifestSigner(SEED).public]
    assert check_package(io.BytesIO(package), keys).is_good
    changed = package.replace(b'"title":"few.jsonl"', b'"title":"FEW.jsonl"')
    assert changed != package
    failures = check_package(io.BytesIO(changed), keys).failures
    assert "schemas/crm/few.schema.json" in {one.part for one in failures}
