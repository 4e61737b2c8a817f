"""The form of a table's records, as a JSON Schema beside it: so that a program can take them in elsewhere.

GDPR 20 has data handed over in a form that machines can read. The schema says what names the records have,
which of these each has, and of what types their values are. It is made of the records themselves, so each
of them follows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dsr_wire.canonical import canonical

__all__ = ["TYPES", "Place", "RecordForm"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEPTH_LIMIT = 32
_NAMES_LIMIT = 1000
"""Records with more names than that, in all places together, have keys for names, and no form."""

_LOOKS_LIMIT = 1000
"""So many ways in which records look are remembered; a table has a few."""

_LOOK_LIMIT = 100
"""One with more names is not: it takes memory, and tables so wide have many."""

_NESTING = frozenset({dict, list})
TYPES = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string"}
"""What JSON Schema calls the types of values in which nothing nests."""


class _NoFormError(Exception):
    """What was read has no form that is worth telling."""


@dataclass(slots=True)
class Place:
    """The values that stand in one place of the records."""

    types: set[str] = field(default_factory=set)
    """As JSON Schema names them."""

    names: dict[str, Place] = field(default_factory=dict)
    """Of the mappings among them."""

    always: set[str] | None = None
    """The names that each of the mappings has; none before there is one."""

    elements: Place | None = None
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


class RecordForm:
    """Takes the records of a table in, those that look like one before at once."""

    def __init__(self) -> None:
        self._records: Place | None = Place()
        self._looks: set[tuple[tuple[str, ...], tuple[type, ...]]] = set()
        self._names = 0
        self.changes = 0
        """How often something was new in a record."""

    @property
    def records(self) -> Place | None:
        """What stands where in the records; none where they have no form."""
        return self._records

    def take(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take some records in."""
        if self._records is None:
            return
        try:
            for record in records:
                types = tuple(map(type, record.values()))
                look = (tuple(record), types)
                if look not in self._looks:
                    self._take(self._records, record, 0)
                    if len(types) <= _LOOK_LIMIT and _NESTING.isdisjoint(types):
                        self._remember(look)
        except _NoFormError:
            self._records = None
            self.changes += 1

    def schema(self, title: str) -> bytes | None:
        """Return the JSON Schema of each record; none where there was none, or they have no form."""
        if self._records is None or not self._records.types:
            return None
        return canonical({"$schema": _DIALECT, "title": title, **self._records.schema()})

    def _remember(self, look: tuple[tuple[str, ...], tuple[type, ...]]) -> None:
        if len(self._looks) >= _LOOKS_LIMIT:
            self._looks.clear()
        self._looks.add(look)

    def _take(self, place: Place, value: Any, depth: int) -> None:
        if depth > _DEPTH_LIMIT:
            raise _NoFormError
        if isinstance(value, dict):
            self._see(place, "object")
            always = set(value) if place.always is None else place.always & value.keys()
            if always != place.always:
                place.always = always
                self.changes += 1
            for name, inner in value.items():
                self._take(place.names.get(name) or self._new(place, name), inner, depth + 1)
        elif isinstance(value, list):
            self._see(place, "array")
            place.elements = place.elements or Place()
            for inner in value:
                self._take(place.elements, inner, depth + 1)
        else:
            self._see(place, TYPES[type(value)])

    def _see(self, place: Place, kind: str) -> None:
        if kind not in place.types:
            place.types.add(kind)
            self.changes += 1

    def _new(self, place: Place, name: str) -> Place:
        self._names += 1
        if self._names > _NAMES_LIMIT:
            raise _NoFormError
        place.names[name] = Place()
        return place.names[name]
