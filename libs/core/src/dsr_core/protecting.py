"""Records whose values are not all handed over as they are. No I/O here.

The registry names fields; and some values never leave whatever it says, since one that forgets a field
must not give a password or an account away (11 CCR 7024(d)). Systems protect on the way, and whoever
assembles a package protects again by the same code: what is protected already stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from dsr_core.exports import ProtectedField, Protection
from dsr_core.undisclosed import (
    by_name,
    is_undisclosed,
    may_be_account_number,
    undisclosed,
    without_account_numbers,
)

__all__ = ["REDACTED", "RecordProtector"]

REDACTED = "[redacted: tells of somebody else]"
"""What stands in place of a value that tells of somebody else."""

_EMPTY: tuple[object, ...] = (None, "", [], {})
_SHAPES_LIMIT = 1000
"""So many rows of names are remembered; a table has a few."""

_ROW_LIMIT = 100
"""A row of more names is not: they may be data, and other ones ever again."""

_EXTENSION = re.compile(r"\.(?:jsonl|ndjson|json|csv|tsv)$", re.IGNORECASE)


class RecordProtector:
    """Protects the records of one file, and counts what it has protected."""

    def __init__(self, fields: Iterable[ProtectedField], *, file: str) -> None:
        """Take what holds for a file.

        Args:
            fields: What the registry protects in this system.
            file: The file's name, with or without its extension.
        """
        folders = ("*.", _EXTENSION.sub("", file) + ".")
        self._rules = {
            one.path.removeprefix(folder): one.protection
            for folder in folders  # what is said of one file counts before what is said of all
            for one in fields
            if one.path.startswith(folder)
        }
        self.counts: Counter[Protection] = Counter()
        """How many values were not handed over as they were."""

        self._shapes: dict[tuple[str, tuple[str, ...]], bool] = {}

    def leaves(self, names: tuple[str, ...], above: str = "") -> bool:
        """Tell whether no value is protected for standing under one of these names, whatever it is."""
        known = self._shapes.get((above, names))
        if known is None:
            known = not any(
                above + name in self._rules or by_name(name, "any") is not None for name in names
            )
            if len(self._shapes) >= _SHAPES_LIMIT:
                self._shapes.clear()
            if len(names) <= _ROW_LIMIT:
                self._shapes[above, names] = known
        return known

    @property
    def has_rules(self) -> bool:
        """Whether the registry protects anything in this file."""
        return bool(self._rules)

    def protect(self, record: Mapping[str, Any], *, above: str = "") -> dict[str, Any]:
        """Return a record as it is handed over; again, it changes and counts nothing.

        A field is named by the keys on the way to it; lists on the way are passed through. Secrets are
        left out. What tells of somebody else, and what is never disclosed, is told to be there.

        Args:
            record: What is handed over.
            above: The keys on the way to it, each with a dot behind it, where it stands within another.
        """
        return self._mapping(record, above)

    def _mapping(self, mapping: Mapping[Any, Any], above: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in mapping.items():
            name = str(key)
            where = above + name
            how = self._how(name, where, value)
            if how is None:
                result[name] = self._value(value, where)
            elif how is Protection.SECRET:
                self.counts[how] += 1
            else:
                result[name] = self._replaced(value, how)
        return result

    def _how(self, name: str, where: str, value: object) -> Protection | None:
        if not value and value in _EMPTY:
            return None
        usual = by_name(name, value)
        return usual if usual is Protection.SECRET else self._rules.get(where, usual)

    def _replaced(self, value: object, how: Protection) -> object:
        if isinstance(value, list | tuple):
            return [one if one in _EMPTY else self._replaced(one, how) for one in value]
        if value == REDACTED or is_undisclosed(value):
            return value
        self.counts[how] += 1
        return REDACTED if how is Protection.THIRD_PARTY else undisclosed(value)

    def _value(self, value: Any, where: str) -> Any:
        if isinstance(value, str):
            text, found = without_account_numbers(value)
            if found:
                self.counts[Protection.NEVER_DISCLOSED] += found
            return text
        if isinstance(value, int | float):
            return self._number(value) if may_be_account_number(value) else value
        if isinstance(value, Mapping):
            return self._mapping(value, where + ".")
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(one, where) for one in value]
        return value

    def _number(self, value: float) -> float | str:
        text, found = without_account_numbers(str(int(value)))
        if not found:
            return value
        self.counts[Protection.NEVER_DISCLOSED] += found
        return text
