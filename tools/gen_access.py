"""Write the table of who may call what into docs/access.md; with --check, say whether it is fresh."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from fastapi import FastAPI
from generated import between_markers, write_or_check
from prometheus_client import CollectorRegistry

from dsr_intake.application.clients import ApiClients
from dsr_intake.application.limiting import Limiter
from dsr_intake.http.app import create_app
from dsr_intake.http.context import Context
from dsr_intake.http.doors import Doors
from dsr_intake.http.openapi import permissions
from dsr_intake.model.principals import ALLOWED, GIVEN, Limits, PrincipalKind, Scope
from dsr_runtime.health import Health

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "access.md"


def application() -> FastAPI:
    """Return intake's application without anything behind it: its routes are looked at, not called."""
    doors = Doors(
        clients=cast(ApiClients, None),
        tokens=None,
        internal_token="",
        limiter=Limiter(Limits(1, 1)),
    )
    context = cast(Context, SimpleNamespace(doors=doors, console=None))
    return create_app(context, health=Health(), metrics=CollectorRegistry())


def table() -> str:
    """Return the table of every operation, by path."""
    kinds = list(PrincipalKind)
    titles = " | ".join(kind.value.replace("_", " ") for kind in kinds)
    lines = [f"| operation | scope | {titles} |", "|" + "---|" * (len(kinds) + 2)]
    found = sorted(permissions(application()).items(), key=lambda one: (one[0][1], one[0][0]))
    for (method, path), scope in found:
        cells = " | ".join(_cell(kind, scope) for kind in kinds)
        lines.append(f"| `{method} {path}` | `{scope}` | {cells} |")
    return "\n".join(lines) + "\n"


def _cell(kind: PrincipalKind, scope: Scope) -> str:
    if scope in GIVEN[kind]:
        return "yes"
    return "if given" if scope in ALLOWED[kind] else ""


def main() -> int:
    """Write or check; 1 when the table is stale."""
    before = DOCUMENT.read_text()
    fresh = between_markers(before, "access", table(), tool="gen_access.py")
    return write_or_check(__doc__, {DOCUMENT: fresh})


if __name__ == "__main__":
    sys.exit(main())
