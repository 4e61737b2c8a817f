"""Room on the disks that a stack writes to, and the one line that says where there is none."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from dsr_cli.stack.errors import ADVICE_ON_ROOM, StackError, readable_os_errors

if TYPE_CHECKING:
    from pathlib import Path

_PROBE = b"\0" * 16_384
"""A few pages, since the last page of a full disk may still have room for a word."""

_WORDS_FOR_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "disk is full")
"""The system's, and SQLite's, as programs that are not ours repeat them."""


def require_room(folder: Path, *, doing: str, least_free: int = 0) -> None:
    """Return only if the folder can be written to and its disk has so many bytes free.

    Raises:
        StackError: "cannot <doing>", why, and what to do.
    """
    with readable_os_errors(doing):
        # Root may write to a read-only folder's mode, but not to a full or read-only disk.
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            probe.write(_PROBE)
        free = shutil.disk_usage(folder).free
    if free < least_free:
        message = f"cannot {doing}: only {free // 1_000_000} MB free; {ADVICE_ON_ROOM}"
        raise StackError(message)


def lost_logs(folder: Path) -> str:
    """Say in one line why logs cannot be written there now, and what to do; empty where they can.

    What runs goes on without its logs, so somebody has to be told.
    """
    if not folder.is_dir():
        return ""
    try:
        require_room(folder, doing=writing_logs(folder))
    except StackError as error:
        return str(error)
    return ""


def writing_logs(folder: Path) -> str:
    """Say what is done in a folder of logs, for a sentence with "cannot"."""
    return f"write logs to {folder}"


def said_full(output: str) -> str:
    """Say what to do where a program's output tells that its disk is full; empty where it does not."""
    if any(words in output for words in _WORDS_FOR_FULL):
        return f"its disk is full; {ADVICE_ON_ROOM}"
    return ""
