"""`dsr identity`: an operator's decisions on who asks."""

from __future__ import annotations

from typing import Annotated

import typer

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import internal_connection
from dsr_cli.errors import CommandError
from dsr_core.law.proofs import Level

app = typer.Typer(no_args_is_help=True, help="Who asks: decisions of an operator")


@app.callback()
def group() -> None:
    """Who asks: decisions of an operator."""


@app.command()
def prove(
    request_id: Annotated[str, typer.Argument(help="A request that awaits the proof")],
    *,
    reason: Annotated[
        str, typer.Option(help="Why it is believed; kept with the request, so no personal data")
    ],
    proven_at: Annotated[
        str | None,
        typer.Option(help="When it was proven, with an offset: 2026-03-02T09:30:00Z; else now"),
    ] = None,
    level: Annotated[Level, typer.Option(help="How sure it is")] = Level.HIGH,
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Decide; without it, only say what")
    ] = False,
) -> None:
    """Take it as proven who asks, so that systems are asked; a dry run unless --yes.

    The dates are counted from the proof where the law says so. It cannot be taken back.
    """
    api = InternalApi(internal_connection())
    found = api.request(request_id)
    if found["state"] != "awaiting_identity":
        raise CommandError(f"{request_id} is {found['state']}, and does not await a proof")
    if not apply:
        typer.echo(f"{request_id} would be opened, and its systems asked; add --yes to do it")
        return
    found = api.prove_identity(request_id, reason=reason, proven_at=proven_at, level=level)
    typer.echo(f"{request_id} is {found['state']}, due {found['due_at']}")
