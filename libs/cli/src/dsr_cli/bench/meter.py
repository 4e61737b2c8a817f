"""What each process has cost: CPU time with its descendants, and memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from dsr_cli.errors import CommandError
from dsr_cli.stack.supervisor import memory_bytes

__all__ = ["DRIVER", "Meter"]

DRIVER = "driver"
"""This process, which sends the requests; without its descendants, which are the stack."""


class Meter:
    """Counts while it is told to."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._driver = psutil.Process(os.getpid())
        self._spent = dict.fromkeys([*pids, DRIVER], 0.0)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Add what each process spends from here to the end.

        Raises:
            CommandError: One ended.
        """
        before = self._seconds()
        yield
        for name, seconds in self._seconds().items():
            self._spent[name] += seconds - before[name]

    def cpu_ms(self, requests: int) -> dict[str, float]:
        """Return the milliseconds of CPU time that each process took, per request, and their total."""
        spent = {name: 1000 * seconds / requests for name, seconds in self._spent.items()}
        spent["total"] = sum(spent.values())
        return {name: round(ms, 2) for name, ms in spent.items()}

    def resident_mb(self) -> dict[str, float]:
        """Return how much memory each process holds, in megabytes.

        What the processes of one family share counts once; a process without descendants counts
        whole, its share of common libraries included.
        """
        return {
            name: round(_resident(process) / 1e6, 1) for name, process in self._processes.items()
        }

    def _seconds(self) -> dict[str, float]:
        try:
            found = {name: _family_seconds(one) for name, one in self._processes.items()}
        except psutil.NoSuchProcess as error:
            gone = next(name for name, one in self._processes.items() if one.pid == error.pid)
            raise CommandError(f"{gone} ended during the run; its log says why") from error
        times = self._driver.cpu_times()
        found[DRIVER] = times.user + times.system
        return found


def _family_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    # Descendants that have ended are in the children's times of who waited for them.
    seconds = times.user + times.system + times.children_user + times.children_system
    for member in process.children(recursive=True):
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system
    return float(seconds)


def _resident(process: psutil.Process) -> int:
    if process.children():
        return memory_bytes(process.pid) or 0
    return int(process.memory_info().rss)
