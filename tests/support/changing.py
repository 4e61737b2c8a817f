"""Files that differ from a JSON document in one value, for whoever must see every such change."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from dsr_wire.canonical import canonical

Path = tuple[str | int, ...]
"""Where a value stands in a document."""


def changed_files(file: bytes) -> Iterator[tuple[Path, str, bytes]]:
    """Yield every value of a document changed, removed, and joined by another: where, how, and the file."""
    document = json.loads(file)
    for path, value in places(document):
        if path:
            for other in others(value):
                if other != value or type(other) is not type(value):
                    yield path, f"is {other!r}", _put(document, path, other)
            yield path, "is removed", _without(document, path)
        if isinstance(value, dict):
            yield (*path, "more"), "is added", _put(document, (*path, "more"), 1)
        if isinstance(value, list):
            for more in ("x", *value[-1:]):
                yield path, f"has {more!r} more", _put(document, path, [*value, more])


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
            return [[], value[::-1], {}]
        case _:
            return [{}, []]


def _put(document: Any, path: Path, value: Any) -> bytes:
    changed = copy.deepcopy(document)
    _holder(changed, path)[path[-1]] = value
    return _file(changed)


def _without(document: Any, path: Path) -> bytes:
    changed = copy.deepcopy(document)
    del _holder(changed, path)[path[-1]]
    return _file(changed)


def _holder(document: Any, path: Path) -> Any:
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    return inner


def _file(document: Any) -> bytes:
    """The file of a document, which may hold what no canonical one does."""
    try:
        return canonical(document) + b"\n"
    except ValueError:
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"
