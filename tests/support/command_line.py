"""Every command of `dsr`, what the last word of its name says that it does, and where texts name one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from dsr_cli.main import COMMANDS, new_app

__all__ = ["FETCHING", "MEASURING", "READING", "commands", "named_in"]

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


_NAMED = re.compile(
    r"(?:^|`)dsr (?P<words>[a-z][a-z-]*(?: [a-z][a-z-]*)*)(?P<rest>[^`\n#|]*)", re.MULTILINE
)
_OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
_ANYWHERE = {"--as", "--help"}
"""What every command takes."""


def named_in(text: str, *, are_whole: bool = False) -> dict[str, str]:
    """Return the calls of `dsr` that a text names, each with what is wrong with it, or nothing.

    Args:
        text: What people read.
        are_whole: Whether each can be called as it stands; the name of a group of commands cannot.
    """
    return {
        one[0].strip("`"): _fault(one["words"].split(), one["rest"], are_whole=are_whole)
        for one in _NAMED.finditer(text)
    }


def _fault(words: list[str], rest: str, *, are_whole: bool) -> str:
    command: Any = get_command(new_app(words))
    for word in words:
        below = getattr(command, "commands", None)
        if below is None:
            break
        if word not in below:
            return f"there is no {word}"
        command = below[word]
    if are_whole and hasattr(command, "commands") and not command.invoke_without_command:
        return "it needs one of its commands"
    taken = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    unknown = sorted({*_OPTION.findall(rest)} - taken - _ANYWHERE)
    return f"it does not take {', '.join(unknown)}" if unknown else ""


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
