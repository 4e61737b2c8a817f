"""Versions of what stands beside the dates in the rules: each entry's number, and from when it counts.

Entries from before they had either count for as long as the rules that hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date
from typing import Any, Protocol, TypeVar

__all__ = ["Versioned", "newest", "version_fields", "version_of"]


class Versioned(Protocol):
    """An entry of the rules that a later version may replace."""

    @property
    def version(self) -> int:
        """Its number, from 1."""
        ...

    @property
    def in_force_from(self) -> date | None:
        """The first day of acceptance that it counts for; none where it was written before it had one."""
        ...


_V = TypeVar("_V", bound=Versioned)


def newest(entries: Iterable[_V], day: date, of: Callable[[_V], Hashable]) -> tuple[_V, ...]:
    """Return the entries that were in force on a day, of each thing those of the newest version.

    Args:
        entries: In the order in which they are returned.
        day: The day of acceptance.
        of: Says which thing an entry is about, so that another version of it replaces it.
    """
    in_force = tuple(
        one for one in entries if one.in_force_from is None or one.in_force_from <= day
    )
    if all(one.version == 1 for one in in_force):  # nothing replaces another: every request asks
        return in_force
    versions: dict[Hashable, int] = {}
    for one in in_force:
        versions[of(one)] = max(one.version, versions.get(of(one), 0))
    return tuple(one for one in in_force if one.version == versions[of(one)])


def version_fields(one: Versioned) -> dict[str, Any]:
    """Return what the canonical form of rules has of it: nothing where it has no day."""
    # As all that came later, it is left out where there is none of it: digests stay as they were.
    if one.in_force_from is None:
        return {}
    return {"in_force_from": one.in_force_from.isoformat(), "version": one.version}


def version_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry's version and day as they stand in the canonical form, by the names of both.

    Raises:
        ValueError: The day is none; TypeError where the version is no whole number.
    """
    if "in_force_from" not in fields:
        return {}
    if type(fields["version"]) is not int:
        raise TypeError("a version is a whole number")
    return {
        "version": fields["version"],
        "in_force_from": date.fromisoformat(fields["in_force_from"]),
    }
