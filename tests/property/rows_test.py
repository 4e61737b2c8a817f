"""What a row says is what its line says, whatever characters are in it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dsr_sdk.access.lines import line_of_row

texts = st.text(st.characters(exclude_categories=()), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(st.dictionaries(texts, values, max_size=5))
def test_a_line_reads_back_as_its_row(row: dict[str, Any]) -> None:
    line = line_of_row(row)
    assert json.loads(line) == row
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1, "one row a line"


@given(st.lists(st.dictionaries(texts, values, max_size=3), max_size=4))
def test_lines_beside_each_other_are_told_apart(rows: list[dict[str, Any]]) -> None:
    lines = b"".join(map(line_of_row, rows)).split(b"\n")[:-1]
    assert [json.loads(one) for one in lines] == rows
