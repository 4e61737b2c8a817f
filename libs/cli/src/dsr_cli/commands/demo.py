"""`dsr demo`: the whole loop, on the real parts, in one command."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dsr_cli.commands.stack_progress import ShownProgress, say_lost_logs
from dsr_cli.demo.law_story import AWAY, tell_the_story
from dsr_cli.demo.rules_in_seconds import write_in_seconds
from dsr_cli.demo.run import Interrupts, show_the_loop
from dsr_cli.group.bring_up import bring_up
from dsr_cli.group.systems import process_name
from dsr_cli.stack import Stack, StackSettings
from dsr_cli.stack.events import ignore_event
from dsr_cli.view.console import new_console

_SLOW_SECONDS = "2.0"
_RETRY_SECONDS = "1.0"


class Story(StrEnum):
    """What is shown."""

    LOOP = "loop"
    LAW = "law"


def command(
    requests: Annotated[int, typer.Option(min=1, max=40, help="How many people ask")] = 8,
    story: Annotated[
        Story,
        typer.Option(
            help="loop: requests go round. law: they live through months, under rules whose days are seconds"
        ),
    ] = Story.LOOP,
    *,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave the stack up until Enter or Ctrl-C, to look around"),
    ] = False,
) -> None:
    """Start the group, send deletion requests, show them live, and prove what was erased.

    Kafka, Temporal, PostgreSQL, the three services and fifteen systems run as processes of their own,
    and are gone when the command ends. Data stays, so a second run asks for other people; the law's
    story has a folder of its own, and begins with it empty.
    """
    interrupts = Interrupts()
    console = new_console()
    settings = StackSettings.from_environment()
    if story is Story.LAW:
        settings = replace(settings, data_dir=_beside(settings, "law"))
        Stack(settings, attached=True).reset(ignore_event)
    stack = Stack(settings, attached=True)
    try:
        if story is Story.LAW:
            _law(stack, console, interrupts)
        else:
            _loop(stack, console, interrupts, requests=requests, stays=keep)
        if keep:
            with suppress(typer.Abort):  # Ctrl-C is the other way to say so
                typer.prompt("Enter stops the stack", default="", show_default=False)
    finally:
        if stack.is_claimed:  # else one that somebody else started runs there, and stays
            say_lost_logs(stack.settings)
            # Quietly: what was proved stays the last thing on the screen.
            stack.down(ignore_event)


def _loop(
    stack: Stack, console: Console, interrupts: Interrupts, *, requests: int, stays: bool
) -> None:
    slowness = {
        "DSR_EXAMPLE_SLOW_SECONDS": _SLOW_SECONDS,
        "DSR_EXAMPLE_RETRY_SECONDS": _RETRY_SECONDS,
    }
    with ShownProgress() as progress:
        bring_up(stack, interrupts.before(progress.listen), settings=slowness)
    show_the_loop(stack, console, count=requests, stays=stays)


def _law(stack: Stack, console: Console, interrupts: Interrupts) -> None:
    settings = stack.settings
    rules_dir = write_in_seconds(settings.checkout / "rules", _beside(settings, "rules"))
    with ShownProgress() as progress:
        bring_up(stack, interrupts.before(progress.listen), rules_dir=rules_dir)
        stack.stop(process_name(AWAY))
    tell_the_story(stack, console)


def _beside(settings: StackSettings, name: str) -> Path:
    return settings.data_dir.with_name(f"{settings.data_dir.name}-{name}")
