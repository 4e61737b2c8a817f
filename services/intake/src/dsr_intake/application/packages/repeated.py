"""Names that are said twice in one mapping: whoever reads it as usual sees what the last one says alone.

JSON lets a name be said again (RFC 8259, section 4), and the first may hold what the last one hides.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

__all__ = ["repeat_a_name", "repeats_a_name"]


class _RepeatedError(Exception):
    """A name was there before."""


def repeat_a_name(texts: list[bytes], values: list[Any]) -> bool:
    """Tell of some texts, and what was read from each, whether one of them says a name twice, or may."""
    try:
        if list(map(orjson.dumps, values)) == texts:  # as most write them: a tenth of the time
            return False
    except orjson.JSONEncodeError:
        return True
    return any(map(repeats_a_name, texts, values))


def repeats_a_name(text: bytes, value: Any) -> bool:
    """Tell whether a mapping in a JSON text says a name twice; or may, where it cannot be told.

    Args:
        text: It.
        value: What was read from it.
    """
    try:
        if orjson.dumps(value) == text:
            return False
        json.loads(text, object_pairs_hook=_once)
    except (_RepeatedError, RecursionError, orjson.JSONEncodeError):
        return True
    return False


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _RepeatedError
