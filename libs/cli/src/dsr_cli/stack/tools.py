"""Running a program of the stack to its end."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from dsr_cli.stack.disk import said_full
from dsr_cli.stack.errors import StackError
from dsr_cli.stack.process import group_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_LAST_LINES = 5


def run_tool(
    command: Sequence[str],
    *,
    text: str = "",
    cwd: Path | None = None,
    user: str | None = None,
) -> str:
    """Run a program of our own choosing and return all that it wrote.

    Args:
        command: The program and its arguments; no shell reads them.
        text: Given to it as its standard input.
        cwd: Where it runs, if it matters.
        user: Who it runs as, if not who we are.

    Raises:
        StackError: It failed; the last lines say why, or one line where its disk is full.
    """
    done = subprocess.run(  # noqa: S603 - every caller names its own program
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=cwd,
        user=user,
        group=group_of(user),
        extra_groups=None if user is None else [],
    )
    if done.returncode != 0:
        output = "\n  ".join(done.stdout.strip().splitlines()[-_LAST_LINES:])
        why = said_full(done.stdout) or output
        message = f"{Path(command[0]).name} failed with status {done.returncode}: {why}"
        raise StackError(message)
    return done.stdout
