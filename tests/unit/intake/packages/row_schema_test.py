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

from dsr_intake.application.packages.row_schema import row_schema
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
    schema = row_schema(lines("rows", rows).content, "rows.jsonl")
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


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth + b"\n"


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[1]\n", id="what is no record"),
        pytest.param(b'{"a":1}\n{', id="what cannot be read"),
        pytest.param(nested(40), id="too deep"),
        pytest.param(nested(5000), id="deeper than can be read"),
        pytest.param(lines("x", [{f"person-{n}": n for n in range(1001)}]).content, id="keys"),
    ],
)
def test_what_has_no_form_has_none(table: bytes) -> None:
    assert row_schema(table, "x.jsonl") is None


def test_a_package_has_it_beside_the_table_as_it_is_handed_over(tmp_path: Path) -> None:
    world = World(tmp_path)
    people = lines("a/people", [{"name": "Ann", "friend": "Bo", "passport": 7, "password": "x"}])
    large = lines("large", [{"a": "x" * SHEET_BYTES}])
    found = world.package({"crm": world.hand_over(people, large)})
    assert [one for one in found if one.startswith("schemas/")] == [
        "schemas/crm/a/people.schema.json"
    ]
    schema = found["schemas/crm/a/people.schema.json"]
    assert json.loads(schema)["required"] == ["friend", "name", "passport"]
    jsonschema_rs.validate(json.loads(schema), json.loads(found["data/crm/a/people.jsonl"]))
    manifest = json.loads(found["manifest.json"])
    jsonschema_rs.validate(json.loads(found["manifest.schema.json"]), manifest)
    [system] = [one for one in manifest["systems"] if one["id"] == "crm"]
    assert [one.get("row_schema") for one in system["files"]] == [
        {
            "path": "schemas/crm/a/people.schema.json",
            "size": len(schema),
            "sha256": hashlib.sha256(schema).hexdigest(),
        },
        None,
    ]


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
