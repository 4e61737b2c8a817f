"""The shape of a table: the form that its records had so far, as a type that others are read as.

Whether others have that form is found out in half the time that it takes to read what they are.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any

import msgspec

from dsr_intake.application.packages.record_form import TYPES, Place

__all__ = ["Shape"]

_NOTHING: Any = Annotated[list[None], msgspec.Meta(max_length=0)]
"""A list of which no element was seen."""

_SCALARS: dict[str, Any] = {name: kind for kind, name in TYPES.items()}


class Shape:
    """The shape of some records."""

    def __init__(self, records: Place) -> None:
        """Learn it."""
        self._decoder: msgspec.json.Decoder[Any] | None
        try:
            self._decoder = msgspec.json.Decoder(_mapping(records))
        except ValueError:  # a name that can be none of a field's
            self._decoder = None

    def has(self, content: bytes) -> bool:
        """Tell whether whole lines are a record each, and change nothing of the form that was learnt."""
        count = content.count(b"\n")
        if (
            self._decoder is None
            or not content.startswith(b"{")
            or not content.endswith(b"}\n")
            # No value goes on over such an end of a line, so there is one on each if there are as many.
            or content.count(b"}\n{") != count - 1
        ):
            return False
        try:
            return len(self._decoder.decode_lines(content)) == count
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False


def _mapping(place: Place) -> Any:
    always = place.always or set()
    fields = [
        (
            f"field_{number}",
            _value(inner),
            msgspec.field(name=name) if name in always else msgspec.field(name=name, default=None),
        )
        for number, (name, inner) in enumerate(place.names.items())
    ]
    return msgspec.defstruct("Mapping", fields, forbid_unknown_fields=True, gc=False, kw_only=True)


def _value(place: Place) -> Any:
    kinds = [_SCALARS[one] for one in sorted(place.types) if one in _SCALARS]
    if "object" in place.types:
        kinds.append(_mapping(place))
    if place.elements is not None:
        kinds.append(list[_value(place.elements)] if place.elements.types else _NOTHING)  # type: ignore[misc]  # made while it runs
    return reduce(or_, kinds)
