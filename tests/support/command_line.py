"""Every command of `dsr`, and what the last word of its name says that it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from dsr_cli.main import COMMANDS, new_app

__all__ = ["FETCHING", "MEASURING", "READING", "commands"]

READING = {
    "check",
    "diff",
    "doctor",
    "explain",
    "graph",
    "keys",
    "list",
    "list-size",
    "logs",
    "plan",
    "roles",
    "show",
    "status",
    "timeline",
    "verify",
    "watch",
}
MEASURING = {"bulk", "intake", "loop", "overload", "package", "scale", "waiting"}
FETCHING = {"certificate", "strimzi", "support-bundle"}
"""What it fetches or prints is for machines, whoever reads it."""


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command that can be called, with the words that call it."""
    for name in COMMANDS:
        whole: Any = get_command(new_app([name]))
        yield from _below(name, whole.commands[name])


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
    else:
        for name, one in below.items():
            yield from _below(f"{path} {name}", one)
