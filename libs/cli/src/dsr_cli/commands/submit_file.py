"""Many subject requests from a file, a line each, by the batch call."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.progress import Progress

from dsr_cli.api.client import IntakeClient
from dsr_cli.connection import api_connection
from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console

__all__ = ["submit_file"]

_LINES_A_CALL = 5_000
"""Results come after a call's last line, so this is also how often the bar moves."""


def submit_file(file: Path, *, as_json: bool) -> None:
    """Submit every line; name those that are refused, and leave with 1 if there are any.

    Args:
        file: One request's body a line, as JSON; empty lines are passed over.
        as_json: Print each result as a line, with its place in the file.
    """
    try:
        with file.open(encoding="utf-8") as opened:
            total = sum(1 for line in opened if line.strip())
        refused = asyncio.run(_submit(file, total, as_json=as_json))
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8 text") from error
    typer.echo(f"{total - refused} accepted, {refused} refused", err=as_json)
    if refused:
        raise typer.Exit(1)


async def _submit(file: Path, total: int, *, as_json: bool) -> int:
    """Return how many were refused."""
    refused = 0
    lines = _numbered(file)
    # On standard error, so that standard output holds the results alone.
    with Progress(console=new_console(stderr=True), transient=True) as progress:
        bar = progress.add_task("submitting", total=total)
        async with IntakeClient(*api_connection()) as client:
            while part := list(itertools.islice(lines, _LINES_A_CALL)):
                results = client.submit_batch(text for _, text in part)
                async for result in results:
                    number = part[result["line"] - 1][0]
                    progress.advance(bar)
                    if as_json:
                        typer.echo(json.dumps({**result, "line": number}))
                    if problem := result.get("problem"):
                        refused += 1
                        said = problem.get("detail") or problem.get("title")
                        typer.echo(f"line {number}: {result['status']} {said}", err=True)
    return refused


def _numbered(file: Path) -> Iterator[tuple[int, str]]:
    with file.open(encoding="utf-8") as opened:
        for number, line in enumerate(opened, 1):
            if text := line.strip():
                yield number, text
