"""Files of each kind that is looked at again: what becomes of values that a system forgot to protect."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from dsr_core.errors import RejectedInput
from dsr_core.exports import ExportedFile, ProtectedField, Protection
from dsr_intake.application.packages.looking import Looker, looker
from support.exports import Handed, lines
from support.packages import World

CARD, MASKED = "4111111111111111", "[not disclosed; ends in 1111]"
FRIEND = ProtectedField("*.friend", Protection.THIRD_PARTY)
INNER = ProtectedField("people.at.name", Protection.THIRD_PARTY)
REDACTED = "[redacted: tells of somebody else]"
LARGE = 17 * 1024 * 1024


def looks_at(
    name: str, *fields: ProtectedField, media_type: str = "application/octet-stream"
) -> Looker | None:
    file = ExportedFile(name=name, media_type=media_type, size=1, sha256="0" * 64)
    return looker(fields, file)


def passed(
    name: str, content: bytes | str, *fields: ProtectedField, length: int = 1 << 20
) -> tuple[str, dict[str, int]]:
    """What becomes of a file, and how many values were protected."""
    sent = content.encode() if isinstance(content, str) else content
    one = looks_at(name, *fields)
    assert one is not None
    portions = [memoryview(sent)[start : start + length] for start in range(0, len(sent), length)]
    pairs = [*one.pass_(portions)]
    assert b"".join(before for before, _ in pairs) == sent
    after = b"".join(after for _, after in pairs).decode(errors="surrogateescape")
    return after, {how.value: count for how, count in one.counts.items()}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('{"a": 1, "password": "x", "b": 2}', '{"a": 1, "b": 2}'),
        ('{"password": "x", "b": 2}', '{ "b": 2}'),
        ('{"password": "x"}\n', "{}\n"),
        ('{"a": 1, "credentials": {"deep": [1, {"x": "}"}]}}', '{"a": 1}'),
        ('{"a": 1, "secrets": ["x", "y"], "b": []}', '{"a": 1, "b": []}'),
        ('{"tokens": 512, "password": null, "secrets": []}', None),
        (f'[{{"note": "card {CARD}."}}]', f'[{{"note": "card {MASKED}."}}]'),
        (f'{{"n": {CARD}.0, "at": 2.0}}', f'{{"n": "{MASKED}", "at": 2.0}}'),
        (f'{{"n": {CARD}, "at": 1764252000000}}', f'{{"n": "{MASKED}", "at": 1764252000000}}'),
        (f'[[{CARD}], "{CARD}"]', f'[["{MASKED}"], "{MASKED}"]'),
        (f'"{CARD}"', f'"{MASKED}"'),
        (CARD, f'"{MASKED}"'),
        ('{"passport": ["123456789", null, []]}', '{"passport": ["[not disclosed; ends in 6789]", null, []]}'),
        ('{"passport": {"number": "1", "of": "DE"}}', '{"passport": "[not disclosed]"}'),
        ('{"pass\\u0077ord": "x"}', "{}"),
        ('{"friend": "Ann", "at": {"friend": "Ann"}}', f'{{"friend": "{REDACTED}", "at": {{"friend": "Ann"}}}}'),
        ('{"at": {"name": "Ann"}, "name": "Bo"}', f'{{"at": {{"name": "{REDACTED}"}}, "name": "Bo"}}'),
        ('[{"at": [{"name": "Ann"}]}]', f'[{{"at": [{{"name": "{REDACTED}"}}]}}]'),
        ('  {"a" : [1.50, -2e3, true, "\\u00e4", {}] }\r\n', None),
        ('\ufeff{"a": 1}', None),
        ("", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("length", [1, 7, 1 << 20])
def test_a_document_is_protected_value_by_value_and_is_otherwise_what_it_was(
    sent: str, expected: str | None, length: int
) -> None:
    after, counts = passed("people.json", sent, FRIEND, INNER, length=length)
    assert after == (sent if expected is None else expected)
    assert sum(counts.values()) == 0 if expected is None else sum(counts.values()) > 0


@pytest.mark.parametrize("sent", ['{"a": ', '{"a": "x', '{"a": 1}}', "]"])
def test_what_is_no_document_is_handed_over_only_where_the_registry_protects_nothing_in_it(
    sent: str,
) -> None:
    assert passed("people.json", sent)[0] == sent
    with pytest.raises(RejectedInput, match="no JSON"):
        passed("people.json", sent, FRIEND)


def test_what_is_no_document_keeps_nothing_that_can_be_told_from_being_protected() -> None:
    sent = f'// mine\n{{"password": "x", \'a\': NaN, "n": "{CARD}"}}{{'
    assert passed("x.json", sent)[0] == f'// mine\n{{ \'a\': NaN, "n": "{MASKED}"}}{{'


def test_a_long_text_that_is_no_document_is_refused_where_a_bare_name_is_protected() -> None:
    sent = '{"a": 1' + ', "b": 2' * 60_000 + ', password: "hunter2"' + ', "c": 3' * 60_000 + "}"
    with pytest.raises(RejectedInput, match="no JSON"):
        passed("x.json", sent, length=len(sent))


@pytest.mark.parametrize(
    "sent",
    [
        b'\xef\xbb\xbf{"password": "hunter2"}\n',
        b'{"password": "hunter2", "n": NaN}\n',
        b'{"password": "hunter2", "n": "\\ud83d"}\n',
        b'{"password": "hunter2", "city": "K\xf6ln"}\n',
        b'[{"password": "hunter2"}]\n',
        b'{\n  "password": "hunter2"\n}\n',
        '{"password": "hunter2"}\n'.encode("utf-16"),
        b'{"a": 1}\n{"password": "hunter2", "n": NaN}',
        b'{"a":1\n"b":2}\n{"a":1},{"a":2}\n',
        b'{"a":1,\n"b":2}\n{"a":1}{"a":2}\n',
        b'{"a":1}{"a":2}\n\n',
        b'{"a":[{}\n{}]}\n{},{}\n',
        b'{"a":[{},\n{}]}\n{}{}\n',
        b'{"a":"}\n{"}\n{},{}\n',
    ],
)
@pytest.mark.parametrize("before", [b"", b'{"a":1,"b":2}\n{"a":[{}]}\n{"a":"","b":1}\n{}\n'])
def test_a_table_with_a_line_that_is_no_record_is_refused_whatever_the_registry_protects(
    sent: bytes, before: bytes
) -> None:
    with pytest.raises(RejectedInput, match="no record"):
        passed("people.jsonl", before + sent)
    with pytest.raises(RejectedInput, match="no record"):
        passed("people.jsonl", before + sent, length=len(before) or 1)


def test_a_table_goes_on_as_it_came_however_its_lines_end() -> None:
    for end in ("\n", "\r\n", " \n", "\n\n"):
        sent = end.join(['{"a":1}', ' {"a":[{"b":"}"}]}'] * 30)
        assert passed("people.jsonl", sent, length=40) == (sent, {})


def test_names_that_are_data_are_not_kept() -> None:
    """They would be as long as what they stand in: a text of 30 MB was kept with all its names."""
    record = {f"order-{number:07d}": 1 for number in range(8000)}
    rows = "".join(json.dumps({f"{name}-{n}": 1 for name in record}) + "\n" for n in range(20))
    table, document = looks_at("x.jsonl"), looks_at("x.json")
    for looks, sent in ((table, rows), (document, f"[{','.join(rows.splitlines())}]")):
        assert looks is not None
        tracemalloc.start()
        for _, after in looks.pass_([memoryview(sent.encode())]):
            del after
        left, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert left < 2_000_000


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('{"password": "x", "password": ""}\n', '{ "password": ""}\n'),
        ('{"a": {"password": "x"}, "a": 1}\n', '{"a": {}, "a": 1}\n'),
        (f'{{"n": "{CARD}", "n": 1}}\n{{"n": 2}}\n', f'{{"n": "{MASKED}", "n": 1}}\n{{"n": 2}}\n'),
        ('{"friend":"Ann","friend":null}', f'{{"friend":"{REDACTED}","friend":null}}'),
        ('{"id":1}\n{"id":1,"id":2}\n', None),
        ('{"n": 9' + "0" * 300 + ', "password": "x", "password": ""}', '{"n": 9' + "0" * 300 + ', "password": ""}'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", '{"id":1,"n":"1","a":{}}\n' * 20_000])
def test_a_name_that_stands_twice_in_a_record_hides_nothing(
    sent: str, expected: str | None, before: str
) -> None:
    after, counts = passed("people.jsonl", before + sent, FRIEND)
    assert after == before + (sent if expected is None else expected)
    assert sum(counts.values()) == (expected is not None)


def test_a_document_that_is_nested_without_end_or_has_an_endless_value_is_refused() -> None:
    with pytest.raises(RejectedInput, match="too deeply"):
        passed("x.json", "[" * 5000)
    with pytest.raises(RejectedInput, match="a value has more than"):
        passed("x.json", '"' + "x" * (9 << 20))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("name,password\nAnn,x\nBo,\n", "name,password\nAnn,\nBo,\n"),
        ('name;password\r\n"A; b";x\r\n', 'name;password\r\n"A; b";\r\n'),
        ("\ufeffpassword\tname\nx\tAnn\n", "\ufeffpassword\tname\n\tAnn\n"),
        ("sep=;\npassword;name\nx;Ann", "sep=;\npassword;name\n;Ann"),
        (f'id,note\n1,"a ""b"",\n{CARD}"\n2,y\n', f'id,note\n1,"a ""b"",\n{MASKED}"\n2,y\n'),
        (f"id;n\n1;{CARD}\n", f'id;n\n1;"{MASKED}"\n'),
        (f"{CARD},x\n", f"{MASKED},x\n"),
        (f"id,n\n1,{CARD},\n", f"id,n\n1,{MASKED},\n"),
        ('\ufeff"a; b";"password"\r\n"1";"x"\r\n', '\ufeff"a; b";"password"\r\n1;\r\n'),
        ('"of, a, b";"pass\nword"\n1;2\n', None),
        ('"Last, First, Middle";password\nAnn;x\n', '"Last, First, Middle";password\nAnn;\n'),
        ("Name, Vorname;password\nBo, Ann;x\nCy;\n", "Name, Vorname;password\nBo, Ann;\nCy;\n"),
        ("sep=;\nnote\nhello, you\n", None),
        (",name,password\n0,Ann,x\n", ",name,password\n0,Ann,\n"),
        ("\n,,\nname,password\nAnn,x\n", "\n,,\nname,password\nAnn,\n"),
        ('a,password\n"1\r2",x', 'a,password\n"1\r2",'),
        ('text,size\n"a, b\nc, d",1\n', None),
        ('password,name\n"x\ny",Ann\n', "password,name\n,Ann\n"),
        ("kind,of\npassport,DE\n", None),
        ("what,at\npassword,2026-01-01\n", None),
        ("a,b,c\n1,2,3\ntotal\n", None),
        ("id,passport\n1,123456789\n", "id,passport\n1,[not disclosed; ends in 6789]\n"),
        ("friend,contraseña\nAnn,geheim\n", f"friend,contraseña\n{REDACTED},\n"),
        ("tokens,name\n0512,Zoë\n", None),
        ('a,b\n1," x"\n\n"2",y\r\n', None),
        ("", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("length", [1, 7, 1 << 20])
def test_rows_are_protected_by_their_column_and_are_otherwise_what_they_were(
    sent: str, expected: str | None, length: int
) -> None:
    after, counts = passed("people.csv", sent, FRIEND, length=length)
    assert after == (sent if expected is None else expected)
    assert sum(counts.values()) == (expected is not None) + ("friend" in sent)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        pytest.param("Export of 12\nname,password\nAnn,x\n", "more cells", id="a title"),
        pytest.param("Export of 12\n\nname;password\nAnn;x\n", "what separates", id="a title, and ;"),
        pytest.param("Export, of 12\nname;password\nAnn;x\n", "what separates", id="a title with ,"),
        pytest.param("Export of 12,,\nname,a,password\nAnn,1,x\n", "no name", id="a padded title"),
        pytest.param("Export\npassword\nx\n", "names a column", id="a title of one column"),
        pytest.param("Of,12\nname,passport\nAnn,C01X\n", "names a column", id="a title of all columns"),
        pytest.param(",Of\nname,password\nAnn,x\n", "names a column", id="a title in the middle"),
        pytest.param("a,b\n" * 15 + "login,password\nAnn,x\n", "names a column", id="a long title"),
        pytest.param("a,b\n" * 90 + "\nname,password\nAnn,x\n", "names a column", id="two tables"),
        pytest.param("user,password;city\nAnn,x;B\n", "what separates", id="two that separate"),
        pytest.param("password^name\nx^Ann\n", "what separates", id="something else that separates"),
        pytest.param('"Export\nname,password\nAnn,"x\n', "no row", id="a quote in the title"),
        pytest.param('"Export\nname,password\nAnn",x\n', "what separates", id="a title in quotes"),
        pytest.param('name\tpassword\tsize\nAnn\tx\t"5\nBo\ty\t6"\n', "rest of its row", id="a stray quote"),
        pytest.param('name\tpassword\n"Ann\tx\nBo\ty\n', "no row", id="a quote that is never closed"),
        pytest.param('name\tpassword\n"Ann"a\tx\n', "no row", id="a quote that is closed too soon"),
        pytest.param('n\ta\tb\tpassword\nAnn\t"5\t6"\tx\n', "fewer cells", id="a cell that is two"),
        pytest.param('name, "password"\nAnn, "a, b"\n', "more cells", id="a blank before a quote"),
        pytest.param('"a' + "\n" * 200 + '",password\nAnn,x\n', "no end", id="names without end"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("length", [7, 1 << 20])
def test_a_table_that_cannot_be_read_with_certainty_is_refused(
    sent: str, why: str, length: int
) -> None:
    with pytest.raises(RejectedInput, match=f"{why}.*cannot be looked at"):
        passed("people.tsv", sent, length=length)


def test_a_table_that_names_its_columns_again_is_one_table() -> None:
    after, counts = passed("x.csv", "name,password\nAnn,x\n" * 2)
    assert after == "name,password\nAnn,\nname,\nAnn,\n"
    assert counts == {"secret": 3}


def test_a_row_in_another_encoding_keeps_its_bytes() -> None:
    after, _ = passed("x.csv", b"name,password\n\xe4\xff,x\n")
    assert after.encode(errors="surrogateescape") == b"name,password\n\xe4\xff,\n"


@pytest.mark.parametrize("sent", ["a,b\rc,d\n", 'a\n"' + "x" * (9 << 20)])
def test_what_is_no_row_is_refused(sent: str) -> None:
    with pytest.raises(RejectedInput, match="cannot be looked at"):
        passed("x.csv", sent)


@pytest.mark.parametrize("name", ["x.json", "x.csv"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_text_in_which_no_name_would_be_found_is_refused(name: str, encoding: str) -> None:
    with pytest.raises(RejectedInput, match="not in UTF-8"):
        passed(name, '{"password": "x"}'.encode(encoding))


@pytest.mark.parametrize(
    ("name", "media_type", "is_looked_at"),
    [
        ("x.jsonl", "text/plain", True),
        ("x.JSON", "text/plain", True),
        ("x.txt", "application/json; charset=utf-8", True),
        ("x", "application/geo+json", True),
        ("x.tsv", "text/plain", True),
        ("x.txt", "Text/CSV", True),
        ("x.txt", "text/plain", False),
        ("x.jpg", "image/jpeg", False),
    ],
)
def test_what_is_looked_at_is_known_by_its_name_or_by_its_type(
    name: str, media_type: str, *, is_looked_at: bool
) -> None:
    assert (looks_at(name, media_type=media_type) is not None) is is_looked_at


def _large(kind: str) -> Handed:
    rows = [{"id": n, "text": "x" * 1000} for n in range(LARGE // 1000)]
    rows[-1] = {"id": 7, "text": f"my card is {CARD}", "password": "hunter2-hunter2"}  # type: ignore[dict-item]  # as systems forget
    if kind == "jsonl":
        return lines("orders", rows)
    if kind == "json":
        return Handed("orders.json", orjson.dumps({"orders": rows}), "application/json")
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["id", "text", "password"])
    writer.writeheader()
    writer.writerows(rows)
    return Handed("orders.csv", text.getvalue().encode(), "text/csv")


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl"])
def test_no_file_is_too_large_to_be_looked_at_in_a_package(tmp_path: Path, kind: str) -> None:
    world = World(tmp_path)
    sent = _large(kind)
    assert len(sent.content) > 16 << 20
    found = world.package({"crm": world.hand_over(sent)})
    content = found[f"data/crm/orders.{kind}"]
    assert CARD.encode() not in content
    assert b"hunter2" not in content
    assert MASKED.encode() in content
    [one] = [each for each in json.loads(found["manifest.json"])["systems"] if each["id"] == "crm"]
    assert one["files"][0]["protected"] == {"never_disclosed": 1, "secret": 1}


@pytest.mark.parametrize(
    ("name", "begins", "goes_on"),
    [("x.json", b"[1", b',{"a":"bcd"}'), ("x.csv", b"a,b\n", b"1,bcd\n")],
)
def test_what_is_held_of_a_file_does_not_grow_with_it(
    name: str, begins: bytes, goes_on: bytes
) -> None:
    portion = memoryview(goes_on * 20_000)

    def portions() -> Iterator[memoryview]:
        yield memoryview(begins)
        for _ in range(50):
            yield portion

    one = looks_at(name)
    assert one is not None
    longest = max(len(before) for before, _ in one.pass_(portions()))
    assert longest <= 256 * 1024 + len(goes_on)
