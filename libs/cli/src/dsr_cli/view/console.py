"""The console that commands print people's screens on."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console
from rich.text import Text

__all__ = ["new_console", "printable"]

_WIDTH = 200
"""Where there is no terminal: in a pipe or a file a table should not fold."""

_LAYOUT = "\n\t"


def printable(text: str, *, keep: str = "") -> str:
    """Return a text in which what is not printed is spelt out: it tells a terminal nothing.

    Reasons, names and headers are somebody else's words. A sequence that hides a line, turns the order
    of letters round, or moves up and writes over it, is shown as it is spelt.

    Args:
        text: The text.
        keep: Characters that are left as they are all the same.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in keep else ascii(one)[1:-1] for one in text)


class _Console(Console):
    """Shows texts as they are: no markup, no emoji, and no control of the terminal."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text, keep=_LAYOUT), **options)


def new_console(*, stderr: bool = False) -> Console:
    """Return a console that shows texts as they are: names and reasons come from elsewhere."""
    console = _Console(stderr=stderr, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH
    return console
