"""What a look at a part finds, and looking at many parts side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from dsr_cli.errors import CommandError

__all__ = ["Finding", "Look", "State", "examined", "fault", "fine", "skipped", "warning"]


class State(IntEnum):
    """How a part stands; the highest is the worst, and what the command exits with."""

    OK = 0
    WARNING = 1
    FAULT = 2

    @property
    def word(self) -> str:
        """The state in words."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    part: str
    state: State
    seen: str
    todo: str = ""
    """What to do next; empty where there is nothing to do."""

    is_skipped: bool = False
    """Whether it was not looked at, since nobody said where it is."""


Look = Callable[[], Iterable[Finding]]
"""Looks at one part; a CommandError is what is wrong with it."""


def fine(part: str, seen: str) -> Finding:
    """Return that all is well."""
    return Finding(part, State.OK, seen)


def warning(part: str, seen: str, todo: str) -> Finding:
    """Return what will do harm if it stays."""
    return Finding(part, State.WARNING, seen, todo)


def fault(part: str, seen: str, todo: str) -> Finding:
    """Return what does harm now."""
    return Finding(part, State.FAULT, seen, todo)


def skipped(part: str, todo: str) -> Finding:
    """Return that nothing was looked at, and what has it looked at."""
    return Finding(part, State.OK, "not looked at", todo, is_skipped=True)


def examined(looks: Mapping[str, Look], *, within: float) -> list[Finding]:
    """Look at every part side by side; return what was found, in the order of the parts.

    One that fails, or does not answer in time, is a finding like any other, and hides none.
    """
    found: dict[str, list[Finding]] = {}

    def look(part: str, one: Look) -> None:
        try:
            found[part] = list(one())
        except CommandError as error:
            found[part] = [fault(part, str(error), "see `dsr stack status`, or the part's own log")]
        except Exception as error:  # noqa: BLE001 - whatever breaks one look must not hide the others
            found[part] = [fault(part, type(error).__name__, "see the part's own log")]

    # Daemons: one that hangs in a library's call must not hold the command up.
    threads = [
        threading.Thread(target=look, args=(part, one), daemon=True) for part, one in looks.items()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + within
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = f"no answer within {within:g} s"
    todo = "see whether it is up, and whether a network policy or firewall stands between"
    return [
        finding for part in looks for finding in list(found.get(part, [fault(part, late, todo)]))
    ]
