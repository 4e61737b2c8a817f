"""`dsr stack`: start, look at, stop and remove the local stack."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from dsr_cli.commands.stack_progress import ShownProgress, say_lost_logs
from dsr_cli.connection import CLIENT, OPERATORS, key_name
from dsr_cli.group.bring_up import bring_up
from dsr_cli.group.systems import system_specs
from dsr_cli.stack import PartStatus, Stack, StackError, StackSettings
from dsr_cli.stack.logs import log_records
from dsr_cli.stack.prometheus import prometheus_spec
from dsr_cli.stack.specs import service_specs
from dsr_cli.view.console import new_console

__all__ = ["app"]

app = typer.Typer(help="The local stack: the real parts, on this machine.", no_args_is_help=True)

_LINES = 50
_STYLES = {"ready": "green", "running": "green", "starting": "yellow", "stopped": "dim"}


@app.command()
def up(
    *,
    services: Annotated[
        bool, typer.Option(help="Start the services too, not Kafka and the like alone.")
    ] = True,
    systems: Annotated[bool, typer.Option(help="Start the example group's systems too.")] = True,
) -> None:
    """Start everything and return; it stays up until `dsr stack down`."""
    stack = _watched()
    with ShownProgress() as progress:
        if services:
            bring_up(stack, progress.listen, systems=systems)
        else:
            stack.up(progress.listen)
    new_console().print(_table(stack.status()))
    say_lost_logs(stack.settings)
    if services:
        for line in _api_lines(stack.settings):
            typer.echo(line)


@app.command()
def down() -> None:
    """Stop everything; data stays."""
    with ShownProgress() as progress:
        Stack(StackSettings.from_environment(), attached=False).down(progress.listen)


@app.command()
def status(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show each process, and whether it answers; and say if logs cannot be written."""
    stack = _known()
    parts = stack.status()
    if as_json:
        typer.echo(json.dumps([asdict(part) for part in parts], indent=2))
    else:
        new_console().print(_table(parts))
    say_lost_logs(stack.settings)


@app.command()
def reset(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False) -> None:
    """Stop everything and remove its data, its logs and its secrets."""
    settings = StackSettings.from_environment()
    if not yes:
        typer.confirm(f"Remove all data in {settings.data_dir}?", abort=True)
    with ShownProgress() as progress:
        Stack(settings, attached=False).reset(progress.listen)


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="One process; all when left out.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they grow.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """Show the end of the logs."""
    folder = StackSettings.from_environment().logs_dir
    paths = sorted(folder.glob(f"{name or '*'}.log"))
    if not paths:
        there = ", ".join(sorted(path.stem for path in folder.glob("*.log"))) or "none"
        message = f"no log of {name or 'anything'} in {folder}; there are: {there}"
        raise StackError(message)
    if as_json:
        for record in log_records(paths, last=_LINES, follow=follow):
            sys.stdout.write(f"{json.dumps(record)}\n")
            sys.stdout.flush()
        return
    tail = shutil.which("tail")
    if tail is None:
        message = f"there is no program `tail`; the logs are in {folder}"
        raise StackError(message)
    arguments = [tail, "-n", str(_LINES), *(["-F"] if follow else []), *map(str, paths)]
    os.execv(tail, arguments)  # noqa: S606 - no shell is wanted


def _api_lines(settings: StackSettings) -> list[str]:
    """Return how to look at it in a browser, and what a shell needs to call the API."""
    shown = _near(settings.secrets_dir / key_name(CLIENT))
    operators = _near(settings.secrets_dir / key_name(OPERATORS[0]))
    return [
        f"The console is at {settings.console_url}; sign in with the key in {operators}.",
        f"The API key is in {shown}; to call the API from this shell:",
        f"export DSR_INTAKE_URL={settings.intake_url}",
        f"export DSR_API_KEY=$(cat {shlex.quote(str(shown))})",
    ]


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _watched() -> Stack:
    """Return the stack, with Prometheus where that is installed or was fetched."""
    stack = Stack(StackSettings.from_environment(), attached=False)
    prometheus = prometheus_spec(stack.settings)
    if prometheus is not None:
        stack.add(prometheus)
    return stack


def _known() -> Stack:
    """Return the stack with everything that `up` would start."""
    stack = _watched()
    if stack.settings.data_dir.exists():
        for spec in (*service_specs(stack, with_mail=True), *system_specs(stack)):
            stack.add(spec)
    return stack


def _table(parts: list[PartStatus]) -> Table:
    table = Table()
    table.add_column("Process", no_wrap=True)
    for heading in ("State", "Address"):
        table.add_column(heading)
    table.add_column("Pid", justify="right")
    table.add_column("Memory", justify="right")
    for part in parts:
        style = _STYLES[part.state]
        memory = "" if part.memory_bytes is None else f"{part.memory_bytes // 1_000_000} MB"
        pid = "" if part.pid is None else str(part.pid)
        table.add_row(part.name, Text(part.state, style=style), part.address, pid, memory)
    return table
