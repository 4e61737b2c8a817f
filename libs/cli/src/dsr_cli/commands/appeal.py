"""`dsr appeal`: an operator's decisions on appeals."""

from __future__ import annotations

from typing import Annotated

import typer

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import internal_connection
from dsr_cli.errors import CommandError

app = typer.Typer(no_args_is_help=True, help="Appeals: decisions of somebody who did not refuse")


@app.callback()
def group() -> None:
    """Appeals: decisions of somebody who did not refuse."""


@app.command()
def grant(
    request_id: Annotated[str, typer.Argument(help="An appeal that awaits a decision")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept with the request, so no personal data")],
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Decide; without it, only say what")
    ] = False,
) -> None:
    """Grant an appeal, so that systems are asked for what was refused; a dry run unless --yes.

    It cannot be taken back. To deny an appeal, refuse it as any request.
    """
    api = InternalApi(internal_connection())
    found = api.request(request_id)
    if found["state"] != "awaiting_decision":
        raise CommandError(f"{request_id} is {found['state']}, and does not await a decision")
    if not apply:
        typer.echo(f"{request_id} would be opened, and its systems asked; add --yes to do it")
        return
    found = api.grant_appeal(request_id, reason=reason)
    typer.echo(f"{request_id} is {found['state']}, due {found['due_at']}")
