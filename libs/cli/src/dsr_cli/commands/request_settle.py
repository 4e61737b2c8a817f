"""`dsr request settle`: answers in place of systems, by two people."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import internal_connection
from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console

app = typer.Typer(
    no_args_is_help=True, help="Answer in place of a system, by two people: propose, list, approve"
)

_RequestId = Annotated[str, typer.Argument(help="The request that the answer is to")]
_Apply = Annotated[bool, typer.Option("--yes", "--apply", help="Do it; without it, only say what")]
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]


@app.command()
def propose(
    request_id: _RequestId,
    *,
    system: Annotated[str, typer.Option(help="The system that owes the answer")],
    disposition: Annotated[str, typer.Option(help="What the answer says, for example 'erased'")],
    reason: Annotated[str, typer.Option(help="Why it is true; kept, so no personal data")],
    apply: _Apply = False,
    as_json: _Json = False,
) -> None:
    """Propose an answer in place of a system; a dry run unless --yes.

    It changes nothing until another person approves it.
    """
    api = InternalApi(internal_connection())
    if not apply:
        state = api.request(request_id)["state"]
        typer.echo(
            f"{request_id} is {state}; that {system} answers {disposition} would wait for another "
            "person; add --yes to propose it"
        )
        return
    body = {"system_id": system, "disposition": disposition, "reason": reason}
    made = api.decide(request_id, "settlements", body)
    if as_json:
        typer.echo(json.dumps(made, indent=2, ensure_ascii=False))
        return
    typer.echo(f"{made['id']} waits for another person:")
    typer.echo(f"dsr request settle approve {request_id} {made['id']} --as NAME --yes")


@app.command(name="list")
def list_(request_id: _RequestId, *, as_json: _Json = False) -> None:
    """Show what was proposed for a request, and who approved it."""
    found = InternalApi(internal_connection()).settlements(request_id)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    table = Table("proposal", "system", "answer", "why", "proposed by", "approved by")
    for one in found:
        table.add_row(
            one["id"],
            one["system_id"],
            one["disposition"],
            one["reason"],
            one["proposed_by"],
            one["approved_by"] or "",
        )
    new_console().print(table)


@app.command()
def approve(
    request_id: _RequestId,
    proposal_id: Annotated[str, typer.Argument(help="As `propose` and `list` show it")],
    *,
    apply: _Apply = False,
    as_json: _Json = False,
) -> None:
    """Approve an answer that another person proposed; a dry run unless --yes.

    From then on it counts as the system's own. It cannot be taken back.
    """
    api = InternalApi(internal_connection())
    one = next((each for each in api.settlements(request_id) if each["id"] == proposal_id), None)
    if one is None:
        raise CommandError(f"{request_id} has no proposal {proposal_id}")
    said = f"{one['system_id']} answers {one['disposition']}: {one['reason']}"
    if not apply:
        typer.echo(f"{said} (proposed by {one['proposed_by']}); add --yes to approve it")
        return
    found = api.decide(request_id, f"settlements/{proposal_id}/approval", {})
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else said)
