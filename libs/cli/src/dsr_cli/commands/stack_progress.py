"""A line for each process while a stack starts or stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from dsr_cli.stack.disk import lost_logs
from dsr_cli.stack.events import StackEvent, printer
from dsr_cli.stack.postgres import AS_ROOT

if TYPE_CHECKING:
    from types import TracebackType

    from dsr_cli.stack.settings import StackSettings

__all__ = ["ShownProgress", "say_lost_logs"]

_MARKS = {"ready": "[green]ready[/]", "stopped": "stopped", "failed": "[red]failed[/]"}


def say_lost_logs(settings: StackSettings) -> None:
    """Say on standard error, in one line, that logs cannot be written now; nothing where they can."""
    if fault := lost_logs(settings.logs_dir):
        typer.echo(f"dsr: {fault}", err=True)


class ShownProgress:
    """Shows events as they come: live on a terminal, one line each elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._lines: dict[str, TaskID] = {}
        self._last: dict[str, str] = {}
        self._plain = printer(lambda line: typer.echo(line, err=True))
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.fields[name]:<12}"),
            TextColumn("{task.description}", table_column=Column()),  # gives way where it is narrow
            TimeElapsedColumn(),
            console=self._console,
        )

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave what was shown last."""
        if self._console.is_terminal:
            self._progress.stop()

    def listen(self, event: StackEvent) -> None:
        """Show one event."""
        if self._console.is_terminal:
            self._show(event)
        elif self._last.get(event.name) != event.kind:
            # Without a terminal, steps within one kind are of no use.
            self._last[event.name] = event.kind
            self._plain(event)

    def _show(self, event: StackEvent) -> None:
        if event.detail.startswith(AS_ROOT):
            # The step's own line is soon overwritten; this one stays.
            line = f"{event.name}: {event.detail}"
            self._progress.console.print(line, soft_wrap=True, markup=False)
        done = event.kind in _MARKS
        said = "" if event.kind == "preparing" else _MARKS.get(event.kind, event.kind)
        text = " ".join(filter(None, [said, escape(event.detail)]))
        if event.name not in self._lines or self._progress.tasks[self._lines[event.name]].finished:
            self._lines[event.name] = self._progress.add_task(text, total=1, name=event.name)
        self._progress.update(self._lines[event.name], description=text, completed=int(done))
