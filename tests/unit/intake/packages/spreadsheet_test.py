"""Tables as CSV: what a spreadsheet shows of them, and that it runs none of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_intake.application.packages.spreadsheet import SHEET_BYTES, sheet
from support.exports import Handed, lines
from support.packages import World


def content(*rows: dict[str, Any]) -> bytes:
    return lines("rows", rows).content


def shown(*rows: dict[str, Any]) -> list[list[str]]:
    """What a spreadsheet reads."""
    portions = sheet(content(*rows))
    assert portions is not None
    return [*csv.reader(io.StringIO(b"".join(portions).decode("utf-8-sig"), newline=""))]


def test_every_record_is_a_row_under_all_names_that_any_record_has() -> None:
    rows = [{"id": 1, "city": "Köln"}, {"city": 'a "b", c\nd', "open": True, "note": None}]
    assert shown(*rows) == [
        ["id", "city", "open", "note"],
        ["1", "Köln", "", ""],
        ["", 'a "b", c\nd', "true", ""],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "|calc", "%0A", "\t=1", "\r=1", "\n=1", " =1", "\N{FULLWIDTH EQUALS SIGN}1", "\t", "'=1",
        "=cmd|' /C calc'!A0",
    ],
)  # fmt: skip
def test_no_text_is_a_formula(text: str) -> None:
    (name,), (value,) = shown({text: text})
    for one in (name, value):
        assert one.startswith("'")
        assert one.removeprefix("'") in (text, text.removeprefix("'"))


def test_a_number_stays_a_number_and_is_not_quoted() -> None:
    portions = sheet(content({"a": -5, "b": -1.5, "c": "x"}))
    assert portions is not None
    assert b"".join(portions).splitlines()[1] == b'-5,-1.5,"x"'


_ROWS = st.lists(
    st.dictionaries(st.text(max_size=4), st.text(max_size=9), min_size=1, max_size=9),
    min_size=1,
    max_size=20,
)
"""With fewer names in all than a sheet has columns."""


@given(_ROWS)
def test_a_text_is_read_as_it_was_but_for_an_apostrophe(rows: list[dict[str, str]]) -> None:
    names, *read = shown(*rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for name, column in zip(names, columns, strict=True):
        assert name in (column, f"'{column}")
    for values, row in zip(read, rows, strict=True):
        for value, column in zip(values, columns, strict=True):
            text = row.get(column, "")
            assert value in (text, f"'{text}")
            assert not value.lstrip().startswith(tuple("=+-@"))


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(content({"a": 1}, {"a": {"b": 1}}), id="a value that nests"),
        pytest.param(content({"a": [1]}), id="a list"),
        pytest.param(b"[1]\n", id="what is no record"),
        pytest.param(b"{", id="what cannot be read"),
        pytest.param(content({str(n): n for n in range(201)}), id="too many columns"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}\n\n", id="no column"),
    ],
)
def test_what_is_not_tabular_has_none(table: bytes) -> None:
    assert sheet(table) is None


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_package_has_a_table_as_csv_too_with_what_is_protected_left_out(world: World) -> None:
    people = lines("a/people", [{"name": "=1", "friend": "Ann", "password": "hunter2-hunter2"}])
    found = world.package({"crm": world.hand_over(people)})
    written = found["csv/crm/a/people.csv"]
    assert written.decode("utf-8-sig").splitlines()[0] == '"name","friend"'
    assert b"Ann" not in written
    assert b"hunter2" not in written
    manifest = json.loads(found["manifest.json"])
    jsonschema_rs.validate(json.loads(found["manifest.schema.json"]), manifest)
    [system] = [one for one in manifest["systems"] if one["id"] == "crm"]
    told = system["files"][0]["csv"]
    assert told == {
        "path": "csv/crm/a/people.csv",
        "size": len(written),
        "sha256": hashlib.sha256(written).hexdigest(),
    }
    assert 'href="csv/crm/a/people.csv" download' in found["index.html"].decode()


def test_a_table_that_is_large_or_nests_has_no_csv_and_no_file_of_a_system_is_in_its_way(
    world: World,
) -> None:
    small, nests = lines("small", [{"a": 1}]), lines("nests", [{"a": [1]}])
    large = lines("large", [{"a": "x" * SHEET_BYTES}])
    own = Handed("small.csv", b"its own", "text/csv")
    found = world.package({"crm": world.hand_over(small, nests, large, own)})
    assert [one for one in found if one.endswith(".csv")] == [
        "csv/crm/small.csv",
        "data/crm/small.csv",
    ]
    assert found["data/crm/small.csv"] == b"its own"
