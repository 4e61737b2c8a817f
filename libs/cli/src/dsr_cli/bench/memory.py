"""How much memory each process holds, looked at again and again while something runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

__all__ = ["Memory", "watched"]

_EVERY_S = 0.2


@dataclass
class Memory:
    """What was seen of each name: seconds since the beginning, and resident bytes."""

    seen: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    marks: list[tuple[float, str]] = field(default_factory=list)
    """When something had been done."""

    _began: float = field(default_factory=time.monotonic)
    _pids: dict[str, list[int]] = field(default_factory=dict)

    def add(self, name: str, *pids: int) -> None:
        """Look at these from now on; of several the one that holds most counts."""
        self._pids = {**self._pids, name: list(pids)}

    def mark(self, text: str) -> None:
        """Remember that something has been done."""
        self.marks.append((time.monotonic() - self._began, text))

    def look(self) -> None:
        """Look at each once; who has ended is passed over."""
        at = time.monotonic() - self._began
        for name, pids in self._pids.items():
            found = [size for size in map(_resident, pids) if size]
            if found:
                self.seen.setdefault(name, []).append((at, max(found)))

    def most(self) -> Mapping[str, int]:
        """Return the most that each has held."""
        return {name: max(size for _, size in points) for name, points in self.seen.items()}


@contextmanager
def watched() -> Iterator[Memory]:
    """Look several times a second until the context is left."""
    memory, over = Memory(), threading.Event()

    def look() -> None:
        while not over.wait(_EVERY_S):
            memory.look()

    looking = threading.Thread(target=look, name="memory", daemon=True)
    looking.start()
    try:
        yield memory
    finally:
        over.set()
        looking.join()


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
