"""`dsr doctor`: every part of an installation, one line each: what was seen, what to do next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from dsr_cli.doctor.findings import Finding, State, examined
from dsr_cli.doctor.installation import looks
from dsr_cli.view.console import new_console

__all__ = ["as_json", "command"]

_SIGNS = {State.OK: ("✓", "green"), State.WARNING: ("!", "yellow"), State.FAULT: ("✗", "red")}


def command(
    *,
    registry: Annotated[Path, typer.Option(help="The registry's folder")] = Path("registry"),
    within: Annotated[float, typer.Option(help="Seconds that a part has to answer", min=2)] = 20.0,
    only: Annotated[bool, typer.Option("--faults", help="Only what is not well")] = False,
    as_json_: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Look at every part, side by side: services, clocks, versions, Kafka, PostgreSQL, keys, certificates.

    Parts are found by the environment (DSR_INTAKE_URL, DSR_FANOUT_URL, DSR_VERIFIER_URL, DSR_KAFKA_*,
    DSR_POSTGRES_DSN, DSR_TEMPORAL_ADDRESS), else those of the local stack. Where services have a database
    each, DSR_INTAKE_POSTGRES_DSN and DSR_VERIFIER_POSTGRES_DSN name them. Nothing is changed.
    Exits with 0 where all is well, with 1 after a warning, with 2 after a fault.
    """
    found = examined(looks(registry, within=within), within=within)
    worst = max((one.state for one in found), default=State.OK)
    shown = [one for one in found if one.state is not State.OK] if only else found
    if as_json_:
        typer.echo(json.dumps(as_json(shown), indent=2, ensure_ascii=False))
    else:
        _show(shown)
        bad = sum(one.state is not State.OK for one in found)
        typer.echo(f"{len(found)} looked at, {bad} not well", err=True)
    if worst is not State.OK:
        raise typer.Exit(int(worst))


def as_json(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as a program reads them."""
    return [
        {
            "part": one.part,
            "state": "skipped" if one.is_skipped else one.state.word,
            "seen": one.seen,
            "todo": one.todo,
        }
        for one in found
    ]


def _show(found: Sequence[Finding]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    for one in found:
        sign, colour = ("-", "dim") if one.is_skipped else _SIGNS[one.state]
        seen = Text(one.seen)
        if one.todo:
            seen.append(f" → {one.todo}", style="bold" if one.state is State.FAULT else "")
        table.add_row(Text(sign, style=colour), one.part, seen)
    new_console().print(table)
