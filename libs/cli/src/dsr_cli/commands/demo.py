"""`dsr demo`: the whole loop, on the real parts, in one command."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from dsr_cli.commands.stack_progress import ShownProgress, say_lost_logs
from dsr_cli.demo.run import show_the_loop, terminate_like_interrupt
from dsr_cli.group.bring_up import bring_up
from dsr_cli.stack import Stack, StackSettings
from dsr_cli.stack.events import ignore_event
from dsr_cli.view.console import new_console

_SLOW_SECONDS = "2.0"
_RETRY_SECONDS = "1.0"


def command(
    requests: Annotated[int, typer.Option(min=1, max=40, help="How many people ask")] = 8,
    *,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave the stack up until Enter or Ctrl-C, to look around"),
    ] = False,
) -> None:
    """Start the group, send deletion requests, show them live, and prove what was erased.

    Kafka, Temporal, PostgreSQL, the three services and fifteen systems run as processes of their own,
    and are gone when the command ends. Data stays, so a second run asks for other people.
    """
    terminate_like_interrupt()
    console = new_console()
    slowness = {
        "DSR_EXAMPLE_SLOW_SECONDS": _SLOW_SECONDS,
        "DSR_EXAMPLE_RETRY_SECONDS": _RETRY_SECONDS,
    }
    stack = Stack(StackSettings.from_environment(), attached=True)
    try:
        with ShownProgress() as progress:
            bring_up(stack, progress.listen, settings=slowness)
        show_the_loop(stack, console, count=requests, stays=keep)
        if keep:
            with suppress(typer.Abort):  # Ctrl-C is the other way to say so
                typer.prompt("Enter stops the stack", default="", show_default=False)
    finally:
        if stack.is_claimed:  # else one that somebody else started runs there, and stays
            say_lost_logs(stack.settings)
            # Quietly: what was proved stays the last thing on the screen.
            stack.down(ignore_event)
