"""Tables with commas (CSV, RFC 4180) of any size, looked at row by row as they pass.

The first row names the columns. A row that may be handed over as it is goes on byte for byte.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from dsr_core.exports import ExportedFile, ProtectedField, Protection
from dsr_core.protecting import RecordProtector
from dsr_core.undisclosed import may_hold_account_numbers
from dsr_intake.application.packages.delimiters import delimiter_of
from dsr_intake.application.packages.headings import BYTES, Headings
from dsr_intake.application.packages.portions import LINE_LIMIT, cut, refuse, require_utf_8

__all__ = ["ColumnLooker"]

_MARK = b"\xef\xbb\xbf"
_DIGITS_LIMIT = 19
_BEGINNING_LINES, _BEGINNING_BYTES = 100, 256 * 1024
"""By so much of a table it is told what separates its columns."""

_GIVEN = re.compile(r'sep=([^"\r\n])\r?\n?')
"""A first line by which a spreadsheet is told what separates the columns."""

csv.field_size_limit(LINE_LIMIT)  # of the process: no other part of it reads CSV


class ColumnLooker:
    """Looks at the rows of one file."""

    def __init__(self, fields: Sequence[ProtectedField], file: ExportedFile) -> None:
        self._protector = RecordProtector(fields, file=file.name)
        self._headings: Headings | None = None
        self._delimiter, self._is_given = ",", False

    @property
    def counts(self) -> Counter[Protection]:
        """How many values the system had not protected."""
        return self._protector.counts

    def pass_(self, portions: Iterable[memoryview]) -> Iterator[tuple[bytes, bytes]]:
        """Yield the file a row at a time: as it came, and as it may be handed over.

        Raises:
            RejectedInput: A row is too long, or cannot be read; or it is not certain which cell is whose.
        """
        lines = _Lines(portions)
        given = _GIVEN.fullmatch(next(iter(lines.beginning()), ""))
        if given:
            next(lines)
            line = lines.taken()
            yield line, line
            self._delimiter, self._is_given = given[1], True
        else:
            beginning = lines.beginning()
            self._delimiter = delimiter_of(beginning, is_whole=lines.are_all_read)
        try:
            for row in csv.reader(lines, delimiter=self._delimiter, strict=True):
                before = lines.taken()
                yield before, self._row(before, row)
        except csv.Error:
            refuse("a row is no row of a table")

    def _row(self, before: bytes, row: list[str]) -> bytes:
        names: tuple[str, ...] = ()
        if self._headings is not None:
            self._headings.check(row, before)
            names = () if self._headings.leaves else self._headings.names
        elif any(row):
            self._headings = Headings(
                row, self._protector, self._delimiter, is_given=self._is_given
            )
        if not names and not may_hold_account_numbers(before):
            return before
        names += ("",) * (len(row) - len(names))
        after = [self._cell(*one) for one in zip(names, row, strict=False)]
        return before if after == row else _written(after, before, self._delimiter)

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
        self._ahead = deque[bytes]()
        self._taken = bytearray()
        self._is_begun = False
        self.are_all_read = False
        """Whether there is no line behind those that were read ahead."""

    def beginning(self) -> list[str]:
        """Return the first of the lines that are to come; they are still to come."""
        size = sum(map(len, self._ahead))
        while not self.are_all_read and len(self._ahead) < _BEGINNING_LINES:
            line = next(self._lines, None) if size < _BEGINNING_BYTES else b""
            if not line:
                self.are_all_read = line is None
                break
            self._ahead.append(line)
            size += len(line)
        lines = [one.decode(BYTES) for one in islice(self._ahead, _BEGINNING_LINES)]
        if lines and not self._is_begun:
            lines[0] = lines[0].removeprefix(_MARK.decode(BYTES))
        return lines

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self._taken += line
        if len(self._taken) > LINE_LIMIT:
            refuse(f"a row has more than {LINE_LIMIT} bytes")
        if not self._is_begun:
            line, self._is_begun = line.removeprefix(_MARK), True
        return line.decode(BYTES)

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


def _written(row: Sequence[str], before: bytes, delimiter: str) -> bytes:
    mark = _MARK if before.startswith(_MARK) else b""
    end = "\r\n" if before.endswith(b"\r\n") else "\n" if before.endswith(b"\n") else ""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerow(row)  # by another end, fewer breaks are quoted
    return mark + (text.getvalue().removesuffix("\r\n") + end).encode(BYTES)
