"""The changes that a page of the documentation tells to make, and making them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Change", "applied", "changes_in"]

_BLOCK = re.compile(r"^```diff\n(?P<path>[^\n]+)\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)


class Change(NamedTuple):
    """What stands in a file, and what is to stand there instead."""

    path: str
    before: str
    after: str


def changes_in(page: str) -> Iterator[Change]:
    """Yield the changes of a page, in their order."""
    for block in _BLOCK.finditer(page):
        lines = block["lines"].splitlines(keepends=True)
        yield Change(
            block["path"],
            "".join(line[1:] for line in lines if line[0] in " -"),
            "".join(line[1:] for line in lines if line[0] in " +"),
        )


def applied(change: Change, root: Path) -> None:
    """Make a change.

    Raises:
        AssertionError: What is to stand there before is not there, or more than once.
    """
    path = root / change.path
    text = path.read_text(encoding="utf-8")
    assert text.count(change.before) == 1, f"{change.path}: {change.before!r}"
    path.write_text(text.replace(change.before, change.after), encoding="utf-8")
