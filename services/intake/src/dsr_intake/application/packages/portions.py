"""Portions: how much of a file is looked at together, and the longest piece of one that is held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NoReturn

from dsr_core.errors import RejectedInput

__all__ = ["LINE_LIMIT", "cut", "refuse", "require_utf_8"]

_PORTION_BYTES = 256 * 1024
"""So much is looked at together."""

LINE_LIMIT = 8 * 1024 * 1024
"""How long a record, or a value, may be that is looked at."""

_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
"""How a text begins that has two or four bytes a character."""


def cut(portions: Iterable[memoryview]) -> Iterator[memoryview]:
    """Yield the same bytes in portions that are looked at together."""
    for portion in portions:
        for start in range(0, len(portion), _PORTION_BYTES):
            yield portion[start : start + _PORTION_BYTES]


def require_utf_8(content: bytes) -> None:
    """Refuse what begins as a text of another encoding, in which no name would be found.

    Raises:
        RejectedInput: It does.
    """
    if content.startswith(_OTHER_MARKS):
        refuse("it is not in UTF-8")


def refuse(detail: str) -> NoReturn:
    """Refuse a file that is to be looked at and cannot be.

    Raises:
        RejectedInput: Always.
    """
    raise RejectedInput("unreadable_records", f"{detail}, and cannot be looked at")
