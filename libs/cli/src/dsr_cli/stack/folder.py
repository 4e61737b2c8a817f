"""The data folder of a stack: made, claimed and emptied with care for what is not ours."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from dsr_cli.stack.disk import require_room, writing_logs
from dsr_cli.stack.errors import StackError, readable_os_errors

if TYPE_CHECKING:
    from pathlib import Path

_MARKER = ".dsr-stack"
"""Marks a folder as one that a stack made, and may empty."""

_LEAST_FREE_BYTES = 300_000_000
_LEAST_FREE_FOR_LOGS = 50_000_000


def make_ready(folder: Path, *, logs_dir: Path, run_dir: Path) -> None:
    """Have the folders there, writable and with room to work; repeating it changes nothing.

    Each is checked for itself, since the logs may have a disk of their own.

    Raises:
        StackError: The first holds something else, or one cannot be written to, or its disk is
            nearly full.
    """
    doing = f"use the data folder {folder}"
    with readable_os_errors(doing):
        folder.mkdir(parents=True, exist_ok=True)
        marker = folder / _MARKER
        if not marker.exists():
            if any(folder.iterdir()):
                message = (
                    f"the data folder {folder} holds something that no stack made; "
                    "choose an empty one: DSR_DATA_DIR=/elsewhere"
                )
                raise StackError(message)
            marker.touch()
        logs_dir.mkdir(exist_ok=True)
        run_dir.mkdir(exist_ok=True)
    require_room(folder, doing=doing, least_free=_LEAST_FREE_BYTES)
    require_room(logs_dir, doing=writing_logs(logs_dir), least_free=_LEAST_FREE_FOR_LOGS)
    require_room(run_dir, doing=f"write to {run_dir}")


def is_ours(folder: Path) -> bool:
    """Tell whether a stack made this folder."""
    return (folder / _MARKER).exists()


def empty(folder: Path, *, keep: Path) -> None:
    """Remove every subfolder but one; repeating it changes nothing.

    Raises:
        StackError: No stack made this folder, or the system refused.
    """
    if not is_ours(folder):
        message = f"{folder} was not made by a stack: nothing removed"
        raise StackError(message)
    with readable_os_errors(f"remove the data in {folder}"):
        for path in folder.iterdir():
            if path.is_dir() and path != keep:
                shutil.rmtree(path)
