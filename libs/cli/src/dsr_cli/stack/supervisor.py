"""Starting, watching, stopping and killing processes; knows none of them by name."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil

from dsr_cli.stack import ports
from dsr_cli.stack.disk import lost_logs, said_full
from dsr_cli.stack.errors import StackError
from dsr_cli.stack.process import ProcessSpec, spawn
from dsr_cli.stack.records import ProcessRecord, Records, start_mark
from dsr_cli.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

_KILL_TIMEOUT = 10.0
_LOG_BYTES = 65_536
_LOG_LINES = 12
_WHOLE_FAMILY = frozenset({signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT})
"""Signals that a process cannot pass on to its descendants."""


class Supervisor:
    """The processes of one stack.

    Attached, they end with this process, however it ends. Detached, they outlive it, and a
    later supervisor on the same folders takes them over through their pid files.
    """

    def __init__(self, *, records: Records, logs_dir: Path, host: str, attached: bool) -> None:
        self._records = records
        self._logs_dir = logs_dir
        self._host = host
        self._attached = attached
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        # The kernel binds a child to the thread that made it, and this thread lives as long as
        # we do.
        self._nursery = ThreadPoolExecutor(1, "nursery") if attached else None

    def log(self, name: str) -> Path:
        """Return the log file of one process."""
        return self._logs_dir / f"{name}.log"

    def start(
        self,
        spec: ProcessSpec,
        *,
        wave: int = 0,
        note: Callable[[str], None],
        cancelled: threading.Event,
    ) -> None:
        """Start a process and return once it is ready; if it runs already, change nothing.

        Raises:
            StackError: It could not start, ended, or was not ready in time. None is left behind.
        """
        if self.is_running(spec.name):
            return
        spec.prepare(note)
        if cancelled.is_set():
            return
        self.check_ports(spec)
        note("")
        log = self.log(spec.name)
        position = log.stat().st_size if log.exists() else 0
        child = self._spawn(spec, log)
        self._children[spec.name] = child
        self._records.write(
            ProcessRecord(
                name=spec.name,
                pid=child.pid,
                start_mark=start_mark(child.pid),
                wave=wave,
                stop_signal=spec.stop_signal,
                stop_timeout=spec.stop_timeout,
                address=spec.address,
            )
        )
        started = False
        try:
            self._await_ready(spec, child, position, cancelled)
            if spec.finish is not None:
                spec.finish(child.pid, note)
            started = True
        finally:
            if not started:
                self.stop(spec.name)

    def _spawn(self, spec: ProcessSpec, log: Path) -> subprocess.Popen[bytes]:
        if self._nursery is None:
            return spawn(spec, log, bound_to_parent=False)
        return self._nursery.submit(spawn, spec, log, bound_to_parent=True).result()

    def _await_ready(
        self,
        spec: ProcessSpec,
        child: subprocess.Popen[bytes],
        log_position: int,
        cancelled: threading.Event,
    ) -> None:
        began = time.monotonic()
        wait_until(
            lambda: child.poll() is not None or spec.ready(),
            timeout=spec.ready_timeout,
            cancelled=cancelled,
        )
        if child.poll() is not None:
            what = f"{spec.name} ended with status {child.returncode} before it was ready"
        elif time.monotonic() - began >= spec.ready_timeout:
            what = f"{spec.name} was not ready within {spec.ready_timeout:.0f} s"
        else:
            return
        full = lost_logs(self._logs_dir) or said_full(self._written(spec.name, log_position))
        message = f"{what}: {full}" if full else f"{what}; {self._tail(spec.name, log_position)}"
        raise StackError(message)

    def _tail(self, name: str, position: int) -> str:
        lines = self._written(name, position).splitlines()[-_LOG_LINES:]
        if not lines:
            return f"it wrote nothing to {self.log(name)}"
        return "\n  ".join([f"the end of {self.log(name)}:", *lines])

    def _written(self, name: str, position: int) -> str:
        log = self.log(name)
        with log.open("rb") as file:
            file.seek(max(position, os.fstat(file.fileno()).st_size - _LOG_BYTES))
            # Bounded, since a log may be a device, and then has no end.
            return file.read(_LOG_BYTES).decode(errors="replace")

    def check_ports(self, spec: ProcessSpec) -> None:
        """Make sure that nothing else listens where this process wants to.

        Raises:
            StackError: A port is taken; says which, and by whom if that can be known.
        """
        for port in spec.ports:
            if not ports.is_free(self._host, port):
                message = f"port {port} ({spec.name}) is taken by {ports.holder(port)}"
                raise StackError(message)

    def pid(self, name: str) -> int | None:
        """Return the pid of a process that runs, else nothing."""
        process = self._process(name)
        return process.pid if process else None

    def is_running(self, name: str) -> bool:
        """Tell whether the process runs, ready or not."""
        return self._process(name) is not None

    def _process(self, name: str) -> psutil.Process | None:
        if not self._reap(name):
            # Its first thread may have ended before the others, which still hold its ports.
            with contextlib.suppress(KeyError, psutil.NoSuchProcess):
                return psutil.Process(self._children[name].pid)
        record = self._records.read(name)
        return record.process() if record else None

    def _reap(self, name: str) -> bool:
        """Take the status of a child that has ended; tell whether none is left to end."""
        child = self._children.get(name)
        if child is None:
            return True
        if child.poll() is None:
            return False
        self._children.pop(name, None)
        return True

    def kill(self, name: str, sig: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal; after SIGKILL, the process and its descendants are gone on return.

        SIGKILL, SIGSTOP and SIGCONT reach the descendants as well.

        Raises:
            StackError: It is not running, or did not go away.
        """
        process = self._process(name)
        if process is None:
            message = f"{name} is not running"
            raise StackError(message)
        family = [process, *_descendants(process)] if sig in _WHOLE_FAMILY else [process]
        for member in family:
            _signal(member, sig)
        if sig == signal.SIGKILL:
            self._await_gone(name, family)

    def stop(self, name: str) -> None:
        """End a process and its descendants, gently first; repeating it changes nothing.

        Raises:
            StackError: It did not even go away when killed.
        """
        record = self._records.read(name)
        process = record.process() if record else None
        if record is not None and process is not None:
            family = [process, *_descendants(process)]
            _signal(process, signal.Signals(record.stop_signal))
            # One that a test has paused would not hear it.
            _signal(process, signal.SIGCONT)
            if not wait_until(lambda: is_gone(process), timeout=record.stop_timeout):
                family = [process, *_descendants(process)]
            for member in family:
                _signal(member, signal.SIGKILL)
            self._await_gone(name, family)
        self._reap(name)
        self._records.remove(name)

    def _await_gone(self, name: str, family: list[psutil.Process]) -> None:
        gone = wait_until(
            lambda: self._reap(name) and all(map(is_gone, family)), timeout=_KILL_TIMEOUT
        )
        if not gone:
            message = f"{name} does not go away (pid {family[0].pid})"
            raise StackError(message)


def memory_bytes(pid: int) -> int | None:
    """Return the resident memory of a process and its descendants.

    Where the system tells, what they share counts once; otherwise once for each.
    """
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return sum(_share(member) for member in [process, *_descendants(process)])


def _share(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, sig: signal.Signals) -> None:
    # psutil first makes sure that the pid has not been given to another process.
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(sig)


def is_gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended with all its threads.

    Where nothing takes its status, an ended process stays as a zombie. One whose first thread
    has ended before the others looks like it, and may still hold its ports.
    """
    try:
        if not process.is_running():
            return True
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    except psutil.NoSuchProcess:
        return True
