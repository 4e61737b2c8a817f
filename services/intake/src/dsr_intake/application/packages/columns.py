"""Tables with commas (CSV, RFC 4180) of any size, looked at row by row as they pass.

The first row names the columns. A row that may be handed over as it is goes on byte for byte.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from dsr_core.exports import ExportedFile, ProtectedField, Protection
from dsr_core.protecting import RecordProtector
from dsr_core.undisclosed import may_hold_account_numbers
from dsr_intake.application.packages.portions import LINE_LIMIT, cut, refuse, require_utf_8

__all__ = ["ColumnLooker"]

_DELIMITERS = ",;\t|"
_MARK = b"\xef\xbb\xbf"
_DIGITS_LIMIT = 19
_BYTES = "latin-1"
"""Each byte is a character, and is the same byte again."""

csv.field_size_limit(LINE_LIMIT)  # of the process: no other part of it reads CSV


class ColumnLooker:
    """Looks at the rows of one file."""

    def __init__(self, fields: Sequence[ProtectedField], file: ExportedFile) -> None:
        self._protector = RecordProtector(fields, file=file.name)
        self._names: tuple[str, ...] = ()
        self._leaves = False

    @property
    def counts(self) -> Counter[Protection]:
        """How many values the system had not protected."""
        return self._protector.counts

    def pass_(self, portions: Iterable[memoryview]) -> Iterator[tuple[bytes, bytes]]:
        """Yield the file a row at a time: as it came, and as it may be handed over.

        Raises:
            RejectedInput: A row is too long, or cannot be read.
        """
        lines = _Lines(portions)
        delimiter = _delimiter(lines.first)
        rows = csv.reader(lines, delimiter=delimiter)
        try:
            for row in rows:
                before = lines.taken()
                yield before, self._row(before, row, delimiter)
        except csv.Error:
            refuse("a row is no row of a table")

    def _row(self, before: bytes, row: list[str], delimiter: str) -> bytes:
        if not self._names:
            if before.removeprefix(_MARK).startswith(b"sep="):  # so a spreadsheet is told of it
                return before
            self._names = tuple(map(_name, row))
            self._leaves = self._protector.leaves(self._names)
            names: tuple[str, ...] = ()
        else:
            names = self._names
        if (self._leaves or not names) and not may_hold_account_numbers(before):
            return before
        names += ("",) * (len(row) - len(names))
        after = [self._cell(*one) for one in zip(names, row, strict=False)]
        return before if after == row else _written(after, before, delimiter)

    def _cell(self, name: str, text: str) -> str:
        is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_LIMIT
        value = int(text) if is_number else text
        became = self._protector.protect({name: value})
        if name not in became:
            return ""
        return text if became[name] == value else str(became[name])


class _Lines(Iterator[str]):
    """Cuts a file into lines, and keeps those of the row that is being read."""

    def __init__(self, portions: Iterable[memoryview]) -> None:
        self._lines = _cut(portions)
        self.first = next(self._lines, b"")
        self._ahead = [self.first] if self.first else []
        self._taken = bytearray()

    def __next__(self) -> str:
        line = self._ahead.pop() if self._ahead else next(self._lines)
        self._taken += line
        if len(self._taken) > LINE_LIMIT:
            refuse(f"a row has more than {LINE_LIMIT} bytes")
        return line.decode(_BYTES)

    def taken(self) -> bytes:
        """Return what came since it was asked before."""
        taken = bytes(self._taken)
        self._taken.clear()
        return taken


def _cut(portions: Iterable[memoryview]) -> Iterator[bytes]:
    held, is_begun = b"", False
    for portion in cut(portions):
        *lines, held = (held + portion).split(b"\n")
        if not is_begun:
            require_utf_8(lines[0] if lines else held)
            is_begun = True
        for line in lines:
            yield line + b"\n"
        if len(held) > LINE_LIMIT:
            refuse(f"a row has more than {LINE_LIMIT} bytes")
    if held:
        yield held


def _delimiter(first: bytes) -> str:
    line = first.decode(_BYTES)
    return max(_DELIMITERS, key=line.count)


def _name(cell: str) -> str:
    return cell.encode(_BYTES).removeprefix(_MARK).decode(errors="replace").strip()


def _written(row: Sequence[str], before: bytes, delimiter: str) -> bytes:
    end = "\r\n" if before.endswith(b"\r\n") else "\n" if before.endswith(b"\n") else ""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerow(row)
    return text.getvalue().encode(_BYTES)
