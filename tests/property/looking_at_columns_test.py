"""What any usual program wrote as a table is read as its rows: a column of secrets is emptied, all else stays."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_core.errors import RejectedInput
from dsr_core.exports import ExportedFile
from dsr_intake.application.packages.looking import looker

MARK = "\ufeff"
names = st.text("abcdefghijkl ()#ÄÖé", min_size=1, max_size=8).map(lambda one: f"x{one}x")
cells = st.text(st.sampled_from("ab 01.'\"\n\r,;\t|@=éß漢"), max_size=12)
quoting = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    heads = draw(st.lists(names, min_size=1, max_size=4))
    row = st.lists(cells, min_size=len(heads), max_size=len(heads))
    return heads, draw(st.lists(row, max_size=30))


def written(
    rows: Sequence[Sequence[str]], delimiter: str, end: str, quoted: int, *, has_mark: bool
) -> bytes:
    text = io.StringIO(newline="")
    text.write(MARK if has_mark else "")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoted)  # type: ignore[arg-type]  # one of three
    writer.writerows(rows)
    return text.getvalue().encode()


def read(content: bytes, delimiter: str) -> list[list[str]]:
    text = io.StringIO(content.decode().removeprefix(MARK), newline="")
    return [*csv.reader(text, delimiter=delimiter, strict=True)]


def passed(content: bytes, length: int) -> bytes:
    looks = looker([], ExportedFile(name="x.csv", media_type="", size=1, sha256="0" * 64))
    assert looks is not None
    starts = range(0, len(content), length)
    pairs = [*looks.pass_(memoryview(content)[start : start + length] for start in starts)]
    assert b"".join(before for before, _ in pairs) == content
    return b"".join(after for _, after in pairs)


@given(
    table=tables(),
    place=st.integers(0, 4),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    quoted=quoting,
    has_mark=st.booleans(),
    length=st.integers(1, 200),
)
def test_what_a_usual_program_wrote_is_read_as_its_rows(
    table: tuple[list[str], list[list[str]]],
    place: int,
    delimiter: str,
    end: str,
    quoted: int,
    *,
    has_mark: bool,
    length: int,
) -> None:
    heads, rows = table
    if (
        end == "\n" and quoted != csv.QUOTE_ALL
    ):  # this writer then leaves such a break without quotes
        rows = [[one.replace("\r", "") for one in row] for row in rows]
    if len(heads) > 1:
        plain = written([heads, *rows], delimiter, end, quoted, has_mark=has_mark)
        assert passed(plain, length) == plain
    place = min(place, len(heads))
    secret = [[*row[:place], f"geheim{number}", *row[place:]] for number, row in enumerate(rows)]
    heads = [*heads[:place], "password", *heads[place:]]
    content = written([heads, *secret], delimiter, end, quoted, has_mark=has_mark)
    if any(delimiter in cell and {*cell} & {*"\r\n"} for row in rows for cell in row):
        with pytest.raises(RejectedInput, match="rest of its row"):
            passed(content, length)
        return
    after = passed(content, length)
    assert b"geheim" not in after
    kept = [[*row[:place], "", *row[place:]] for row in rows]
    assert read(after, delimiter) == [heads, *kept]
