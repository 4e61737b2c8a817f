"""The data folder of a stack: made, claimed and emptied with care for what is not ours."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING

from dsr_cli.stack.errors import StackError, readable_os_errors

if TYPE_CHECKING:
    from pathlib import Path

_MARKER = ".dsr-stack"
"""Marks a folder as one that a stack made, and may empty."""

_LEAST_FREE_BYTES = 300_000_000


def make_ready(folder: Path, *subfolders: Path) -> None:
    """Have the folder there, writable and with room to work; repeating it changes nothing.

    Raises:
        StackError: It holds something else, cannot be written to, or its disk is nearly full.
    """
    with readable_os_errors(f"use the data folder {folder}"):
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
        for subfolder in subfolders:
            subfolder.mkdir(exist_ok=True)
            # Root may write to a read-only folder's mode, but not to a full or read-only disk.
            with tempfile.TemporaryFile(dir=subfolder) as probe:
                probe.write(b"dsr")
        free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        message = (
            f"only {free // 1_000_000} MB free for {folder}; free some space, "
            "or move the data: DSR_DATA_DIR=/elsewhere"
        )
        raise StackError(message)


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
