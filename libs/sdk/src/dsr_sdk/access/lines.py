"""Rows as lines of JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from dsr_sdk.handlers import UnfitAnswer

__all__ = ["LINE_LIMIT", "line_of_row"]

LINE_LIMIT = 1024 * 1024
"""How long a line is at most, in bytes, its end included."""

_TEXTS = (Decimal, UUID, timedelta)


def line_of_row(fields: Mapping[str, Any]) -> bytes:
    """Return a row's line, its end included (RFC 8259, one value a line).

    Dates and times are ISO 8601, what is a number of exact digits is text, bytes are base64.

    Raises:
        UnfitAnswer: A value cannot be written, or it is too long. Neither is shown.
    """
    try:
        text = _ENCODER.encode(fields)
    except (TypeError, ValueError, RecursionError):
        raise UnfitAnswer("a row holds a value that JSON has not") from None
    # What is no character (half a surrogate pair) becomes its escape, which JSON has.
    line = text.encode("utf-8", "backslashreplace") + b"\n"
    if len(line) > LINE_LIMIT:
        raise UnfitAnswer(f"a row has more than {LINE_LIMIT:,} bytes; it is to be a file")
    return line


def _plain(value: object) -> object:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, _TEXTS):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    raise TypeError("no value of JSON")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain
)
