"""The form of a table's records, as a JSON Schema beside it: so that a program can take them in elsewhere.

GDPR 20 has data handed over in a form that machines can read. The schema says what names the records have,
which of these each has, and of what types their values are. It is made of the records themselves, so each
of them follows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from dsr_wire.canonical import canonical

__all__ = ["row_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEPTH_LIMIT = 32
_NAMES_LIMIT = 1000
"""Records with more names than that, in all places together, have keys for names, and no form."""

_TYPES = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string"}


class _NoFormError(Exception):
    """What was read has no form that is worth telling."""


@dataclass(slots=True)
class _Place:
    """The values that stand in one place of the records."""

    types: set[str] = field(default_factory=set)
    names: dict[str, _Place] = field(default_factory=dict)
    """Of the mappings among them."""

    always: set[str] | None = None
    """The names that each of the mappings has; none before there is one."""

    elements: _Place | None = None
    """Of the lists among them."""

    def schema(self) -> dict[str, Any]:
        """Return what every value of the place follows."""
        types = sorted(self.types - {"integer"} if "number" in self.types else self.types)
        result: dict[str, Any] = {"type": types[0] if len(types) == 1 else types} if types else {}
        if "object" in self.types:
            result["properties"] = {name: one.schema() for name, one in self.names.items()}
            result["required"] = sorted(self.always or ())
        if self.elements is not None:
            result["items"] = self.elements.schema()
        return result


def row_schema(content: bytes, name: str) -> bytes | None:
    """Return the JSON Schema of each line of a table; none where a line is no record, or they have no form.

    Args:
        content: The table.
        name: Its name, for people.
    """
    reading = _Reading()
    try:
        for line in content.splitlines():
            if line.strip():
                reading.read(orjson.loads(line))
    except (ValueError, _NoFormError):
        return None
    found = reading.records.schema()
    if found.get("type") != "object":
        return None
    return canonical({"$schema": _DIALECT, "title": name, **found})


class _Reading:
    """Takes records in, those that look like one before at once."""

    def __init__(self) -> None:
        self.records = _Place()
        self._seen: set[tuple[tuple[str, ...], tuple[type, ...]]] = set()
        self._names = 0

    def read(self, record: Any) -> None:
        if not isinstance(record, dict):
            raise _NoFormError
        types = tuple(map(type, record.values()))
        look = (tuple(record), types)
        if look not in self._seen:
            self._take(self.records, record, 0)
            if dict not in types and list not in types:
                self._seen.add(look)

    def _take(self, place: _Place, value: Any, depth: int) -> None:
        if depth > _DEPTH_LIMIT:
            raise _NoFormError
        if isinstance(value, dict):
            place.types.add("object")
            place.always = set(value) if place.always is None else place.always & value.keys()
            for name, inner in value.items():
                self._take(place.names.get(name) or self._new(place, name), inner, depth + 1)
        elif isinstance(value, list):
            place.types.add("array")
            place.elements = place.elements or _Place()
            for inner in value:
                self._take(place.elements, inner, depth + 1)
        else:
            place.types.add(_TYPES[type(value)])

    def _new(self, place: _Place, name: str) -> _Place:
        self._names += 1
        if self._names > _NAMES_LIMIT:
            raise _NoFormError
        place.names[name] = _Place()
        return place.names[name]
