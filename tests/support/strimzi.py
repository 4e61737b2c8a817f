"""What `dsr` prints for Strimzi, as the chart's values take it."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from dsr_cli.main import new_app

__all__ = ["COMMANDS", "printed"]

COMMANDS = {"topics": "topics", "users": "acl"}
"""Which command prints what a value of `strimzi` takes."""


def printed(command: str, registry: Path, *where: str) -> str:
    """Return what `dsr COMMAND strimzi` prints of a registry; `where` has its options."""
    call = [command, "strimzi", str(registry), *where]
    shown = CliRunner().invoke(new_app(call), call)
    assert shown.exit_code == 0, shown.output
    return shown.stdout
