"""Files that differ from a JSON document in one value, for whoever must see every such change."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from dsr_wire.canonical import canonical

Path = tuple[str | int, ...]
"""Where a value stands in a document."""


def changed_files(file: bytes) -> Iterator[tuple[Path, Any, bytes]]:
    """Yield every value of a document changed: where, to what, and the file that comes of it."""
    document = json.loads(file)
    for path, value in places(document):
        for other in others(value) if path else ():
            if other == value and type(other) is type(value):
                continue
            changed = copy.deepcopy(document)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = other
            yield path, other, canonical_or_not(changed) + b"\n"


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of a document, with where it stands."""
    yield path, value
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, one in inner:
        yield from places(one, (*path, key))


def others(value: Any) -> list[Any]:
    """Other values of the same kind, and of another."""
    match value:
        case bool() | None:
            return ["x", 0]
        case int():
            return [value + 1, value - 1, float(value), str(value), True]
        case str():
            first = "b" if value[:1] == "a" else "a"
            return [first + value[1:], value[:-1], value + "0", value.upper() + " ", None]
        case list():
            return [[], [*value, *value[-1:], "x"], value[1:], value[::-1], {}]
        case _:
            return [{}, value | {"more": 1}, []]


def canonical_or_not(document: Any) -> bytes:
    """The bytes of a document that may hold what no canonical one does."""
    try:
        return canonical(document)
    except ValueError:
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
