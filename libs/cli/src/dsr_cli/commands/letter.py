"""`dsr letter`: the letters about a subject request, and an operator's decisions about them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import internal_connection
from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console
from dsr_cli.view.letters import letters_view

app = typer.Typer(no_args_is_help=True, help="Letters to requesters: list, give up, send again")

_RequestId = Annotated[str, typer.Argument(help="The request that the letters are about")]
_Kind = Annotated[str, typer.Option(help="The kind of the letter, as `list` names it")]
_Apply = Annotated[bool, typer.Option("--yes", "--apply", help="Decide; without it, only say what")]


@app.callback()
def group() -> None:
    """Letters to requesters: list, give up, send again."""


@app.command(name="list")
def list_(
    request_id: _RequestId,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Show how each letter about a request stands; neither its address nor its text is kept."""
    found = InternalApi(internal_connection()).letters(request_id)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    new_console().print(letters_view(found["letters"]))


@app.command()
def give_up(
    request_id: _RequestId,
    *,
    reason: Annotated[
        str, typer.Option(help="Why, and how the person is told; kept, so no personal data")
    ],
    kind: _Kind = "done",
    apply: _Apply = False,
) -> None:
    """Give up a letter that waits or has bounced; a dry run unless --yes.

    Where it is the answer, the request is answered with that on record, and its key destroyed.
    """
    api = InternalApi(internal_connection())
    _require(api, request_id, kind, ("waiting", "bounced"))
    if not apply:
        typer.echo(f"the letter {kind} of {request_id} would be given up; add --yes to do it")
        return
    api.give_up_letter(request_id, kind=kind, reason=reason)
    typer.echo(f"the letter {kind} of {request_id} is given up")


@app.command()
def send_again(
    request_id: _RequestId,
    *,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log, no personal data")],
    kind: _Kind = "done",
    apply: _Apply = False,
) -> None:
    """Send a letter again that has bounced; a dry run unless --yes."""
    api = InternalApi(internal_connection())
    _require(api, request_id, kind, ("bounced",))
    if not apply:
        typer.echo(f"the letter {kind} of {request_id} would be sent again; add --yes to do it")
        return
    api.send_letter_again(request_id, kind=kind, reason=reason)
    typer.echo(f"the letter {kind} of {request_id} is on its way again")


def _require(api: InternalApi, request_id: str, kind: str, states: tuple[str, ...]) -> None:
    letters: list[dict[str, Any]] = api.letters(request_id)["letters"]
    newest = next((one for one in reversed(letters) if one["kind"] == kind), None)
    if newest is None:
        raise CommandError(f"{request_id} has no letter of the kind {kind}")
    if newest["state"] not in states:
        raise CommandError(f"the letter {kind} of {request_id} is {newest['state']}")
