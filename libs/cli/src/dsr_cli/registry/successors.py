"""Successors that cannot be: what is wrong with who is named to take a retired system's data over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from dsr_cli.files.document import Item
from dsr_cli.files.faults import Fault, nearest

__all__ = ["Named", "unfit"]


class Named(NamedTuple):
    """A retired system, and the one that it names as its successor."""

    file: str
    system_id: str
    successor: Item


def unfit(named: Sequence[Named], rights: Mapping[str, Sequence[str]]) -> Iterator[Fault]:
    """Yield what is wrong with successors.

    Args:
        named: Every successor that a file names.
        rights: What each system of the registry can be asked for.
    """
    after = {one.system_id: one.successor.text for one in named}
    for one in named:
        found = _fault(one, rights) or _ring(one, after)
        if found is not None:
            yield Fault(one.file, one.successor.line, f"successor: {found[0]}", found[1])


def _fault(one: Named, rights: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    name = one.successor.text
    if name == one.system_id:
        return f"'{name}' names itself", "name the system that has its data now"
    if name not in rights:
        return f"there is no system '{name}'", nearest(name, rights)
    lacking = sorted(set(rights[one.system_id]) - set(rights[name]))
    if lacking and rights[name]:
        message = f"'{name}' cannot be asked for {', '.join(lacking)}, as '{one.system_id}' could"
        return message, "add it to that system's rights, or name another"
    return None


def _ring(one: Named, after: Mapping[str, str]) -> tuple[str, str] | None:
    """Find what comes after itself, by way of others."""
    current = one.successor.text
    for _ in after:
        current = after.get(current, "")
        if current == one.system_id:
            message = f"'{one.system_id}' comes after itself, by way of '{one.successor.text}'"
            return message, "leave 'successor' out of the one that has the data now"
    return None
