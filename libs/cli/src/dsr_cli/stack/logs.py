"""Reading the logs of a stack's processes, one record a line, for machines."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

_INTERVAL_S = 0.2


def log_records(
    paths: Sequence[Path], *, last: int, follow: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the last lines of each log as records, then, if asked to follow, what comes, without end."""
    logs = [_Log(path) for path in paths]
    for log in logs:
        for line in deque(log.new_lines(), maxlen=last):
            yield _record(log.path, line)
    while follow:
        for log in logs:
            for line in log.new_lines():
                yield _record(log.path, line)
        time.sleep(_INTERVAL_S)


def _record(path: Path, line: bytes) -> dict[str, Any]:
    """Return what a service logged, with its process's name; the text of others is the event."""
    text = line.decode(errors="replace").rstrip("\n")
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if isinstance(content, dict):
        return {"process": path.stem, **content}
    return {"process": path.stem, "event": text}


class _Log:
    """One log file, read on from where it was read before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def new_lines(self) -> Iterator[bytes]:
        """Yield the lines that are complete and have not been read.

        A log that was put aside is read to its end, and then the new one of its name.
        """
        while True:
            if self._file is None:
                try:
                    self._file = self.path.open("rb")
                except FileNotFoundError:
                    return
            yield from _complete_lines(self._file)
            if not self._was_put_aside(self._file):
                return
            self._file.close()
            self._file = None

    def _was_put_aside(self, file: BinaryIO) -> bool:
        try:
            return not os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False


def _complete_lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line
