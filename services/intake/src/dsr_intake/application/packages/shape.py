"""The shape of a table: what names its records have, and where, learnt from some of them.

Whether others have that shape is found out in half the time that it takes to read what they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

__all__ = ["Shape"]

_Scalar = str | int | float | bool | None
_NAMES_LIMIT = 1000
"""Records with more names than that, in all places together, have keys for names, and no shape."""


class Shape:
    """The shape of some records."""

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        """Learn it."""
        self._names = 0
        self._decoder: msgspec.json.Decoder[Any] | None
        try:
            self._decoder = msgspec.json.Decoder(list[self._mapping(records)])  # type: ignore[misc]  # made while it runs
        except (ValueError, RecursionError):  # a name that can be none of a field's, or too many
            self._decoder = None

    def has(self, content: bytes) -> bool:
        """Tell whether whole lines are a record each, and have no name where none was learnt."""
        if self._decoder is None:
            return False
        try:
            records = self._decoder.decode(b"[%b]" % content[:-1].replace(b"\n", b","))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return len(records) == content.count(b"\n")

    def _mapping(self, mappings: Iterable[dict[str, Any]]) -> Any:
        values = defaultdict[str, list[Any]](list)
        for mapping in mappings:
            for name, value in mapping.items():
                values[name].append(value)
        self._names += len(values)
        if self._names > _NAMES_LIMIT:
            raise ValueError("too many names")
        fields = [
            (f"field_{number}", self._value(found), msgspec.field(name=name, default=None))
            for number, (name, found) in enumerate(values.items())
        ]
        return msgspec.defstruct("Mapping", fields, forbid_unknown_fields=True, gc=False)

    def _value(self, values: Sequence[Any]) -> Any:
        kind: Any = _Scalar
        mappings = [one for one in values if isinstance(one, dict)]
        lists = [one for one in values if isinstance(one, list)]
        if mappings:
            kind |= self._mapping(mappings)
        if lists:
            kind |= list[self._value([one for each in lists for one in each])]  # type: ignore[misc]  # made while it runs
        return kind
