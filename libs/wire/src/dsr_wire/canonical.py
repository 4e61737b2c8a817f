"""Canonical JSON: one form of bytes for one document, so that its hash means the document.

UTF-8, keys sorted, no white space, no floating-point numbers; times are RFC 3339 in UTC, always with
microseconds.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

__all__ = ["canonical", "moment", "read_canonical", "timestamp"]

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def canonical(document: Any) -> bytes:
    """Return a document's one form in bytes; it holds objects, lists, text, integers, and no floats."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def read_canonical(data: bytes) -> Any:
    """Return the document that the bytes are the canonical form of.

    Raises:
        ValueError: The bytes are no JSON, or not in canonical form. The message holds nothing of them.
    """
    try:
        document = json.loads(data)
        same = canonical(document) == data
    except (ValueError, TypeError, RecursionError) as error:  # a number of over 64 bits is one
        raise ValueError("not JSON") from error
    if not same:
        raise ValueError("not in canonical form")
    return document


@lru_cache(maxsize=1024)
def timestamp(at: datetime) -> str:
    """Return a moment as text. What happens at once, as a batch's answers do, is written once."""
    if at.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    # Several times as fast as `strftime`, which also leaves zeros out of early years.
    return f"{at.astimezone(UTC).isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


def moment(text: str) -> datetime:
    """Read what `timestamp` wrote.

    Raises:
        ValueError: The text is not in that form.
    """
    at = datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    if timestamp(at) != text:
        raise ValueError("a moment is written in full")
    return at
