"""What a stack tells while it starts and stops, for progress displays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

EventKind = Literal["preparing", "starting", "ready", "stopping", "stopped", "failed"]

RunningState = Literal["ready", "starting", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    """One step of one process."""

    kind: EventKind
    name: str
    """The process it is about."""

    detail: str = ""
    """What is being prepared; empty where the kind says everything."""

    seconds: float = 0.0
    """Since work on this process began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """One process as it is now."""

    name: str
    state: RunningState | Literal["stopped"]
    """`starting` also covers one that runs and does not answer; `running` one that nobody can ask."""

    pid: int | None = None
    address: str = ""
    """Where it serves: an address or a URL."""

    memory_bytes: int | None = None
    """Resident, of the process and its descendants."""

    log: str = ""


def ignore_event(event: StackEvent) -> None:
    """Do nothing with an event."""
    del event


def printer(write: Callable[[str], None]) -> Callable[[StackEvent], None]:
    """Return a listener that writes one plain line for each event."""

    def listen(event: StackEvent) -> None:
        # What is being prepared says that it is.
        kind = "" if event.kind == "preparing" and event.detail else event.kind
        said = " ".join(filter(None, [kind, event.detail]))
        seconds = f" ({event.seconds:.1f} s)" if event.kind in {"ready", "failed"} else ""
        write(f"{event.name}: {said}{seconds}")

    return listen
