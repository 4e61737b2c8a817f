"""What a command prints of files that are wrong."""

from __future__ import annotations

import json
from typing import NoReturn

import typer

from dsr_cli.files.faults import FileFaults

__all__ = ["leave_with_faults"]


def leave_with_faults(error: FileFaults, *, as_json: bool) -> NoReturn:
    """Print every fault, and leave with 1."""
    if as_json:
        faults = [
            {
                "file": fault.file,
                "line": fault.line,
                "message": fault.message,
                "suggestion": fault.suggestion,
            }
            for fault in error.faults
        ]
        typer.echo(json.dumps({"faults": faults}, indent=2, ensure_ascii=False))
    else:
        for fault in error.faults:
            typer.echo(str(fault))
        count = len(error.faults)
        typer.echo(f"{count} fault{'s' if count > 1 else ''}", err=True)
    raise typer.Exit(1) from error
