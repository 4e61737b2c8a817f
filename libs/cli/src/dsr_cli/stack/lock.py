"""One stack at a time on a data folder."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from dsr_cli.stack.errors import StackError, readable_os_errors

if TYPE_CHECKING:
    from io import TextIOWrapper
    from pathlib import Path


class StackLock:
    """The right to start and stop processes on a data folder.

    The system gives it back when its holder ends, however that happens.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIOWrapper | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self, *, advice: str) -> None:
        """Hold the lock, or raise at once; repeating it changes nothing.

        Args:
            advice: What the reader can do where another process holds it.

        Raises:
            StackError: Another process holds it; says which.
        """
        if self._file is not None:
            return
        with readable_os_errors("lock the data folder"):
            file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            folder = self._path.parent.parent
            message = f"another stack is in use on {folder} (pid {holder}); {advice}"
            raise StackError(message) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back; repeating it changes nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None
