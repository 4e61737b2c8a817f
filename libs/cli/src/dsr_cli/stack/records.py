"""Pid files: which processes a stack has running, for commands that come later.

A pid alone is no proof, since the system gives it to another process one day. So each file
also has a mark of the process's start, and a process without that mark is not ours.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from dsr_cli.stack.errors import readable_os_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIX = ".pid"
_START_TIME_FIELD = 19
"""Of `/proc/<pid>/stat`, counted after the name: ticks between boot and start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """One process that was started, and how to stop it."""

    name: str
    pid: int
    start_mark: str
    wave: int
    """Processes are stopped from the highest wave to the lowest."""

    stop_signal: int
    stop_timeout: float
    address: str = ""

    def process(self) -> psutil.Process | None:
        """Return the process if it is still running; one that has ended unreaped is not."""
        try:
            process = psutil.Process(self.pid)
            ended = process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
        except psutil.NoSuchProcess:
            return None
        if ended or start_mark(self.pid) != self.start_mark:
            return None
        return process


def start_mark(pid: int) -> str:
    """Tell a process from any other that ever had or will have its pid; empty if there is none.

    On Linux the mark does not depend on the wall clock, which may be set while a stack runs.
    """
    if sys.platform != "linux":
        try:
            return str(psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return ""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # The name, in parentheses, may itself hold spaces and parentheses.
    return f"{boot}/{stat.rpartition(')')[2].split()[_START_TIME_FIELD]}"


class Records:
    """The pid files of one stack."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, record: ProcessRecord) -> None:
        """Keep a record, in place of an earlier one of the same name."""
        path = self._path(record.name)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with readable_os_errors("write a pid file"):
            temporary.write_text(json.dumps(asdict(record)), encoding="utf-8")
            temporary.replace(path)

    def read(self, name: str) -> ProcessRecord | None:
        """Return the record of this name, whether or not its process still runs."""
        try:
            text = self._path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            return ProcessRecord(**json.loads(text))
        except (TypeError, ValueError):
            # Written by another version: whatever it was about cannot be proven ours.
            return None

    def remove(self, name: str) -> None:
        """Forget a process; repeating it changes nothing."""
        self._path(name).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[ProcessRecord]:
        """Go through every record there is, by name."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            record = self.read(path.name.removesuffix(_SUFFIX))
            if record is not None:
                yield record

    def running(self) -> list[ProcessRecord]:
        """Return the records of processes that run now."""
        return [record for record in self if record.process() is not None]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"
