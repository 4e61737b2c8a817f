"""Headings: the names of a table's columns, by which its cells are protected, held against its rows.

Where rows do not fit the first one it may be a title, and what stands below it the names, or a quote may
have swallowed what separates cells: then no cell is known for what it is, and the table is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dsr_core.exports import Protection
from dsr_core.protecting import RecordProtector
from dsr_core.undisclosed import by_name
from dsr_intake.application.packages.delimiters import DELIMITERS, outside_quotes
from dsr_intake.application.packages.portions import refuse

__all__ = ["BYTES", "Headings", "named"]

BYTES = "latin-1"
"""Each byte of a table is a character, and is the same byte again."""

_TITLE_ROWS = 20
"""So far down a row is looked at for whether it names columns: titles stand above."""

_VALUE = re.compile(r"[-+]?[0-9][0-9.,:/ TZ+-]*|[^@]*@.*", re.DOTALL)
"""Numbers, dates and addresses: a row that has one names no columns."""

_CUTS = re.compile(rf"[{DELIMITERS}^~\x00-\x08\x0b\x0c\x0e-\x1f]")
_PIECES = re.compile(rf"[{DELIMITERS}^~\x00-\x1f]")


def named(cell: str) -> str:
    """Return the name that a cell says."""
    return cell.encode(BYTES).decode(errors="replace").strip()


class Headings:
    """The first row of a table, which names its columns."""

    def __init__(
        self, row: Sequence[str], protector: RecordProtector, delimiter: str, *, is_given: bool
    ) -> None:
        """Take it.

        Args:
            row: Its cells.
            protector: Tells which names are protected.
            delimiter: What separates columns.
            is_given: Whether the table says so itself.

        Raises:
            RejectedInput: One of its names would be another's, were columns separated by something else.
        """
        self.names = tuple(map(named, row))
        self.leaves = protector.leaves(self.names)
        """Whether no column is protected for its name."""

        self._protector = protector
        self._delimiter = delimiter
        self._is_given = is_given
        self._nameless = [place for place, name in enumerate(self.names) if place and not name]
        self._title_rows = _TITLE_ROWS
        self._is_after_gap = False
        self._may_be_title = (
            len(self.names) == 1 or not self.names[0] or any(map(_VALUE.fullmatch, self.names))
        )
        for name in () if is_given else self.names:
            pieces = _PIECES.split(name) if _CUTS.search(name) else []
            if not self._hides(name) and any(map(self._hides, pieces)):
                _refuse_delimiter()

    def check(self, row: Sequence[str], before: bytes) -> None:
        """Return where a row below has its cells under the names of these.

        Args:
            row: Its cells.
            before: As it came.

        Raises:
            RejectedInput: That is not certain.
        """
        if not any(row):
            self._is_after_gap = True
            return
        count = len(self.names)
        if len(row) > count and any(row[count:]):
            refuse("a row has more cells than the first row names")
        if not self.leaves:
            self._check_cells(row)
        if len(row) == 1 and not self._is_given and self._can_be_cut(before):
            _refuse_delimiter()
        if self._nameless and any(row[place] for place in self._nameless if place < len(row)):
            refuse("a column has values and no name")
        if self._title_rows or self._is_after_gap:
            self._title_rows = max(self._title_rows - 1, 0)
            if self._names_columns(row, has_any=self._may_be_title or self._is_after_gap):
                refuse("a row below the first one names a column")
            self._is_after_gap = False

    def _check_cells(self, row: Sequence[str]) -> None:
        """Return where no quote can have moved a value out of the column that it is protected in."""
        if len(row) < len(self.names):
            refuse("a column is protected, and a row has fewer cells than there are columns")
        for cell in row:
            if self._delimiter in cell and ("\n" in cell or "\r" in cell):
                refuse("a column is protected, and a cell may be the rest of its row and the next")

    def _can_be_cut(self, before: bytes) -> bool:
        """Tell whether a row of one cell has something that may separate more."""
        text = before.decode(BYTES)
        if not any(one in text for one in DELIMITERS):
            return False
        bare = outside_quotes(text)
        return any(one in bare for one in DELIMITERS if one != self._delimiter)

    def _names_columns(self, row: Sequence[str], *, has_any: bool) -> bool:
        """Tell whether a row may be the one that names the columns, and one that is protected."""
        cells = [named(cell) for cell in row]
        if any(map(_VALUE.fullmatch, cells)):
            return False
        hides = self._hides if has_any else _is_secret
        pairs = zip(cells, self.names, strict=False)
        return any(hides(cell) and not self._hides(name) for cell, name in pairs)

    def _hides(self, name: str) -> bool:
        return not self._protector.leaves((name.strip(),))


def _is_secret(name: str) -> bool:
    return by_name(name, "any") is Protection.SECRET


def _refuse_delimiter() -> None:
    refuse("what separates its columns is not certain")
