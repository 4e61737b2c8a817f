"""Tables that are looked at in whole portions come out as if each record were looked at by itself."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dsr_core.errors import RejectedInput
from dsr_core.exports import ExportedFile, ProtectedField, Protection
from dsr_core.protecting import REDACTED, RecordProtector
from dsr_core.undisclosed import may_hold_account_numbers, without_account_numbers
from dsr_intake.application.packages.documents import DocumentLooker
from dsr_intake.application.packages.tables import TableLooker

FIELDS = [
    ProtectedField("*.agent", Protection.THIRD_PARTY),
    ProtectedField("people.at.name", Protection.NEVER_DISCLOSED),
]
NUMBERS = ["4111 1111 1111 1111", "378282246310005", "GB29NWBK60161331926819", "536-90-4399"]

pieces = st.sampled_from([*NUMBERS, "2026-11-27T12:00:00Z", " ", "-", "\u00e4", '"', "{", "["])
texts = st.text(max_size=5) | st.lists(pieces | st.text(max_size=3), max_size=4).map("".join)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.sampled_from([4111111111111111, 4111111111111111.0, 0.5])
    | texts
)
names = st.sampled_from(["id", "note", "agent", "at", "name", "apiKey", "passport_number"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
flat = st.dictionaries(st.sampled_from(["id", "note", "at"]) | st.text(max_size=3), scalars)
records = flat | st.dictionaries(names, values, max_size=4)
kinds = st.booleans()
junk = st.sampled_from([b"", b" ", b"[1]", b'"{"', b"7", b'{"a":', b"{'a'}"])
lines = st.lists(
    st.builds(lambda one, plain: json.dumps(one, ensure_ascii=plain).encode(), records, kinds)
    | st.builds(orjson.dumps, flat)
)


def _spelt(value: Any) -> str:
    """Spell JSON in which mappings are lists of pairs, so that a name may stand in one twice."""
    if isinstance(value, tuple):
        members = (f"{json.dumps(name)}: {_spelt(inner)}" for name, inner in value)
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_spelt, value)) + "]"
    return json.dumps(value)


def mappings(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[tuple[str, Any], ...]]:
    """Mappings as pairs."""
    return st.lists(st.tuples(names, inner), max_size=4).map(tuple)


repeating = mappings(
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | mappings(inner), max_leaves=6)
).map(_spelt)


def one_by_one(content: bytes) -> tuple[list[Any], Counter[Protection]]:
    """Look at each record by itself: a line is as it was, or another record."""
    protector = RecordProtector(FIELDS, file="people")
    result: list[Any] = []
    for line in content.split(b"\n"):
        before = protector.counts.total()
        protected = protector.protect(json.loads(line)) if line else {}
        changed = protector.counts.total() > before
        result.append(protected if changed else line)
    return result, protector.counts


def file(content: bytes) -> ExportedFile:
    return ExportedFile(
        name="people.jsonl", media_type="application/jsonl", size=len(content), sha256="0" * 64
    )


def looker(content: bytes, fields: list[ProtectedField]) -> TableLooker:
    return TableLooker(fields, file(content))


def portions(content: bytes, length: int) -> list[memoryview]:
    view = memoryview(content)
    return [view[start : start + length] for start in range(0, len(content), length)]


@given(made=lines, length=st.integers(1, 300), ends=st.booleans())
def test_whole_portions_come_out_as_record_by_record(
    *, made: list[bytes], length: int, ends: bool
) -> None:
    content = b"\n".join(made) + (b"\n" if ends and made else b"")
    one = looker(content, FIELDS)
    passed = list(one.pass_(portions(content, length)))
    assert b"".join(before for before, _ in passed) == content
    found = b"".join(after for _, after in passed)
    expected, counts = one_by_one(content)
    assert one.counts == counts
    for line, known in zip(found.split(b"\n"), expected, strict=True):
        assert (line if isinstance(known, bytes) else json.loads(line)) == known
    handed_over = [json.loads(line) for line in found.split(b"\n") if line]
    schema = one.row_schema()
    assert (schema is None) == (not handed_over)
    for record in handed_over:
        jsonschema_rs.validate(json.loads(schema or b"false"), record)


@given(st.lists(repeating, min_size=1, max_size=4), st.integers(1, 300))
def test_a_name_that_stands_twice_hides_nothing(made: list[str], length: int) -> None:
    content = "".join(line + "\n" for line in made).encode()
    one = looker(content, FIELDS)
    passed = b"".join(after for _, after in one.pass_(portions(content, length)))
    counts = Counter[Protection]()
    expected = []
    for line in made:
        each = DocumentLooker(FIELDS, file(content))
        found = b"".join(after for _, after in each.pass_([memoryview(line.encode())]))
        counts.update(each.counts)
        expected.append(json.loads(found, object_pairs_hook=tuple))
    assert [json.loads(line, object_pairs_hook=tuple) for line in passed.splitlines()] == expected
    assert one.counts == counts


@given(st.lists(st.builds(orjson.dumps, records) | junk), st.integers(1, 300))
def test_a_table_is_refused_where_a_line_is_no_record_and_is_looked_at_else(
    made: list[bytes], length: int
) -> None:
    content = b"".join(line + b"\n" for line in made)
    one = looker(content, [])
    read = [_read(line) for line in made if line.strip()]
    if not all(isinstance(known, dict) for known in read):
        with pytest.raises(RejectedInput, match="no record"):
            list(one.pass_(portions(content, length)))
        return
    passed = b"".join(after for _, after in one.pass_(portions(content, length)))
    plain = RecordProtector([], file="people")
    found: list[Any] = [_read(line) for line in passed.split(b"\n") if line.strip()]
    assert found == list(map(plain.protect, read))
    assert one.counts == plain.counts


@given(
    made=st.lists(records),
    length=st.integers(1, 300),
    plain=st.booleans(),
    fields=st.sampled_from([FIELDS, []]),
)
def test_a_document_comes_out_as_if_it_were_read_whole(
    *, made: list[Any], length: int, plain: bool, fields: list[ProtectedField]
) -> None:
    content = json.dumps(made, ensure_ascii=plain, separators=(",", ":")).encode()
    document = ExportedFile(name="people.json", media_type="", size=len(content), sha256="0" * 64)
    one = DocumentLooker(fields, document)
    passed = list(one.pass_(portions(content, length)))
    assert b"".join(before for before, _ in passed) == content
    whole = RecordProtector(fields, file="people")
    expected = [whole.protect(each) for each in made]
    assert json.loads(b"".join(after for _, after in passed)) == expected
    assert one.counts == whole.counts
    if not one.counts:
        assert b"".join(after for _, after in passed) == content


@given(
    value=st.recursive(texts, lambda inner: st.lists(inner, max_size=3), max_leaves=4),
    plain=st.booleans(),
)
def test_a_number_that_is_masked_is_suspected_in_its_json(*, value: Any, plain: bool) -> None:
    def found(one: Any) -> int:
        return sum(map(found, one)) if isinstance(one, list) else without_account_numbers(one)[1]

    if found(value):
        assert may_hold_account_numbers(json.dumps(value, ensure_ascii=plain).encode())
        assert may_hold_account_numbers(orjson.dumps(value))


def _read(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        return line


class Spelt(str):
    """A number as it is written."""

    __slots__ = ()


digits = st.from_regex(
    r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)
measures = digits.map(Spelt) | st.lists(digits.map(Spelt), max_size=3)


def _written(value: Any, blank: str) -> str:
    if isinstance(value, dict):
        members = (
            f"{json.dumps(name)}:{blank}{_written(one, blank)}" for name, one in value.items()
        )
        return "{" + f",{blank}".join(members) + "}"
    if isinstance(value, list):
        return "[" + f",{blank}".join(_written(one, blank) for one in value) + "]"
    return value if isinstance(value, Spelt) else json.dumps(value)


@given(
    st.dictionaries(st.sampled_from(["id", "sum", "at", "list"]), measures),
    st.sampled_from(["", " "]),
)
def test_a_record_that_is_written_anew_keeps_every_digit_of_its_other_values(
    record: dict[str, Any], blank: str
) -> None:
    line = _written({"agent": "Somebody Else", **record, "within": record}, blank).encode()
    one = looker(line, FIELDS)
    passed = b"".join(after for _, after in one.pass_([memoryview(line + b"\n")]))
    assume(one.counts == {Protection.THIRD_PARTY: 1})  # some are an account's, and are not kept
    found = json.loads(passed, parse_int=Spelt, parse_float=Spelt)
    assert found == {"agent": REDACTED, **record, "within": record}
