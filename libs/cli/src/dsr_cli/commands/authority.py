"""`dsr authority`: an operator's decisions on who asks for another person."""

from __future__ import annotations

from typing import Annotated

import typer

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import internal_connection
from dsr_cli.errors import CommandError
from dsr_core.law.proofs import Evidence

app = typer.Typer(no_args_is_help=True, help="Who asks for another person: decisions")


@app.callback()
def group() -> None:
    """Who asks for another person: decisions of an operator."""


@app.command()
def prove(
    request_id: Annotated[str, typer.Argument(help="A request that awaits the authority")],
    *,
    reason: Annotated[
        str, typer.Option(help="Why it is believed; kept with the request, so no personal data")
    ],
    evidence: Annotated[
        Evidence | None, typer.Option(help="What was seen; some laws then ask less of the person")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Decide; without it, only say what")
    ] = False,
) -> None:
    """Take it as shown that a guardian or an agent may ask; a dry run unless --yes.

    It opens where the client had attested who asks and the law leaves that proof to nobody else. Else
    that is still to be proven, by the same date.
    """
    api = InternalApi(internal_connection())
    found = api.request(request_id)
    if found["state"] != "awaiting_authority":
        raise CommandError(f"{request_id} is {found['state']}, and does not await an authority")
    if not apply:
        typer.echo(f"{request_id} would be taken as asked with authority; add --yes to do it")
        return
    found = api.prove_authority(request_id, reason=reason, evidence=evidence)
    typer.echo(f"{request_id} is {found['state']}")
