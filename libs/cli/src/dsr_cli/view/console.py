"""The console that commands print people's screens on."""

from __future__ import annotations

import os

from rich.console import Console

__all__ = ["new_console"]

_WIDTH = 200
"""Where there is no terminal: in a pipe or a file a table should not fold."""


def new_console(*, stderr: bool = False) -> Console:
    """Return a console that shows texts as they are: names and reasons come from elsewhere."""
    console = Console(stderr=stderr, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH
    return console
