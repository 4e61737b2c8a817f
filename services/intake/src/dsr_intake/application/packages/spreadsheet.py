"""Tables for people with a spreadsheet: CSV (RFC 4180) beside the JSON Lines, of the same records.

A spreadsheet runs what begins like a formula, so such a text gets an apostrophe before it, as OWASP's
"CSV Injection" advises; a number stays one. The JSON Lines have every value as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

import orjson

__all__ = ["SHEET_BYTES", "sheet"]

SHEET_BYTES = 4 * 1024 * 1024
"""Tables up to this size get one: what is longer few spreadsheets open, and it would be held in memory."""

_COLUMNS = 200
_FORMULA = tuple("=+-@|%\t\r\n＝＋－＠")  # noqa: RUF001 - spreadsheets take the wide ones too
_PORTION_BYTES = 64 * 1024
_MARK = "\ufeff"
"""Without it Excel takes the file for one in the code page of its machine."""


def sheet(content: bytes) -> Iterator[bytes] | None:
    """Return a table as CSV, in portions; none where it is not tabular: a record, or a value, that nests."""
    lines = content.splitlines()
    columns: dict[str, None] = {}
    for line in lines:
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except ValueError:
            return None
        if not isinstance(row, dict) or any(isinstance(one, dict | list) for one in row.values()):
            return None
        columns |= dict.fromkeys(row)
        if len(columns) > _COLUMNS:
            return None
    return _written(lines, list(columns)) if columns else None


def _written(lines: Iterable[bytes], columns: list[str]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    text.write(_MARK)
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(map(_cell, columns))
    for line in lines:
        if line.strip():
            row = orjson.loads(line)
            writer.writerow([_cell(row.get(column)) for column in columns])
        if text.tell() >= _PORTION_BYTES:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and (value.lstrip() or value).startswith(_FORMULA):
        return f"'{value}"
    return value
