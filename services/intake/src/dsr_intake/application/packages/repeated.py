"""Names that are said twice in one mapping: whoever reads it as usual sees what the last one says alone.

JSON lets a name be said again (RFC 8259, section 4), and the first may hold what the last one hides.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

__all__ = ["repeat_a_name"]


class _RepeatedError(Exception):
    """A name was there before."""


def repeat_a_name(texts: list[bytes], values: list[Any]) -> bool:
    """Tell whether a mapping in one of some JSON texts says a name twice; or may, where it cannot be told.

    Args:
        texts: They.
        values: What was read from each.
    """
    try:
        written = list(map(orjson.dumps, values))
        if written == texts:  # as most write them: a tenth of the time
            return False
        for text, one in zip(texts, written, strict=True):
            if text != one:
                json.loads(text, object_pairs_hook=_once)
    except (_RepeatedError, RecursionError, orjson.JSONEncodeError):
        return True
    return False


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _RepeatedError
