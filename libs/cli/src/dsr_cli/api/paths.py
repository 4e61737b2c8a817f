"""Paths of intake's API with what people type put into them."""

from __future__ import annotations

from urllib.parse import quote

from dsr_cli.errors import CommandError

__all__ = ["part"]


def part(given: str) -> str:
    """Return one part of a path: whatever was given, the call goes nowhere else.

    Raises:
        CommandError: It is empty, or dots, which would lead to another path.
    """
    if given.strip(".") == "":
        raise CommandError(f"'{given}' is no id")
    return quote(given, safe="")
