"""What separates the columns of a table with commas: told by how it begins.

What stands in quotes separates nothing. Of several that may, it is the one by which every row of the
beginning has as many cells as the first, where only one is.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from dsr_intake.application.packages.portions import refuse

__all__ = ["DELIMITERS", "delimiter_of", "outside_quotes"]

DELIMITERS = ",;\t|"

_BEGINS = rf"(?:^|(?<=[{DELIMITERS}]))"
_IN_QUOTES = r'"[^"]*(?:""[^"]*)*'
_QUOTED = re.compile(rf'{_BEGINS}{_IN_QUOTES}"(?=[{DELIMITERS}\r\n]|\Z)')
_UNCLOSED = re.compile(rf"{_BEGINS}{_IN_QUOTES}\Z")


def outside_quotes(text: str) -> str:
    """Return a row without its cells that are in quotes."""
    return _QUOTED.sub("", text)


def delimiter_of(lines: Sequence[str], *, is_whole: bool) -> str:
    """Return what separates the columns of a table; a comma where nothing does.

    Args:
        lines: How it begins.
        is_whole: Whether that is all of it.

    Raises:
        RejectedInput: The first row is not over within these lines.
    """
    bare = _first_row(lines, is_whole=is_whole)
    found = [one for one in DELIMITERS if one in bare]
    if len(found) > 1:
        found = [one for one in found if _fits(lines, one, is_whole=is_whole)] or found
    return max(found, key=bare.count, default=",")


def _first_row(lines: Sequence[str], *, is_whole: bool) -> str:
    """Return the first row that is not empty, without what is in quotes."""
    row = ""
    for line in lines:
        row += line if row or line.strip() else ""
        bare = outside_quotes(row)
        if row and not _UNCLOSED.search(bare):
            return bare
    if row and not is_whole:
        refuse("its first row has no end")
    return outside_quotes(row)


def _fits(lines: Sequence[str], delimiter: str, *, is_whole: bool) -> bool:
    """Tell whether all rows have as many cells; the last may be cut off where there is more."""
    lengths = list[int]()
    try:
        for row in csv.reader(lines, delimiter=delimiter, strict=True):
            if any(row):
                lengths.append(len(row))
    except csv.Error:
        if is_whole:
            return False
    else:
        if not is_whole:
            lengths = lengths[:-1]
    return len(set(lengths)) == 1
