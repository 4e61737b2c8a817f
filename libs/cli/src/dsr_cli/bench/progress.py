"""How far a run is, on standard error, for people only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress as rich_progress
from rich.console import Console

from dsr_cli.stack import StackEvent

__all__ = ["Bars", "Progress", "ignore"]

Progress = Callable[[int], None]
"""Told how far something is."""


def ignore(_count: int) -> None:
    """Show nothing."""


class Bars:
    """Bars on a terminal, one line for each elsewhere.

    Args:
        quiet: Show none of it.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)

    def say(self, text: str) -> None:
        """Say what is being done now."""
        self._console.print(text, highlight=False)

    def listen(self, event: StackEvent) -> None:
        """Say which processes of the stack have started, or failed to."""
        if event.kind in {"ready", "failed"}:
            self.say(f"{event.name}: {event.kind} ({event.seconds:.1f} s)")

    @contextmanager
    def bar(self, name: str, total: int) -> Iterator[Progress]:
        """Show one bar; what is yielded tells it how far things are."""
        if not self._console.is_terminal:
            self.say(f"{name}: {total}")
            yield ignore
            return
        progress = rich_progress.Progress(
            rich_progress.TextColumn("{task.description:<24}"),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TimeElapsedColumn(),
            console=self._console,
            refresh_per_second=2,
        )
        with progress:
            task = progress.add_task(name, total=total)
            yield lambda count: progress.update(task, completed=count)

    @contextmanager
    def counting(self, name: str) -> Iterator[Progress]:
        """Show how many there were of what has no known end; nothing where no person looks."""
        if not self._console.is_terminal:
            yield ignore
            return
        progress = rich_progress.Progress(
            rich_progress.SpinnerColumn(),
            rich_progress.TextColumn("{task.description:<24} {task.completed:,}"),
            rich_progress.TimeElapsedColumn(),
            console=self._console,
            refresh_per_second=2,
        )
        with progress:
            task = progress.add_task(name, total=None)
            yield lambda count: progress.update(task, completed=count)
