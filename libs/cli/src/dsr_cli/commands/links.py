"""`dsr links`: identifiers that systems found out and that people have to decide about."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import internal_connection
from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console

app = typer.Typer(
    no_args_is_help=True,
    help="What systems found out about persons: list what waits for people, accept, refuse",
)

_RequestId = Annotated[str, typer.Argument(help="The request")]
_LinkId = Annotated[str, typer.Argument(help="As `list` shows it")]
_Reason = Annotated[str, typer.Option(help="Why; kept, so no personal data")]
_Apply = Annotated[bool, typer.Option("--yes", "--apply", help="Do it; without it, only say what")]
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]


@app.command(name="list")
def list_(
    request_id: Annotated[
        str | None, typer.Argument(help="Every step of this request; else all that waits")
    ] = None,
    *,
    as_json: _Json = False,
) -> None:
    """Show the links that wait for people, or all that became of one request's links.

    The identifiers themselves are never shown: ask the system's team, by the request's id.
    """
    found = InternalApi(internal_connection()).links(request_id)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    table = Table("link", "request", "system", "found", "how sure", "round", "outcome")
    for one in found:
        table.add_row(
            one["id"],
            one["request_id"],
            one["system_id"],
            f"{one['kind']} through {one['through']}",
            f"{one['confidence']}, {one['proof']}",
            str(one["round"]),
            f"{one['outcome']}: {one['reason']}" + (" (used before)" if one["was_used"] else ""),
        )
    new_console().print(table)


@app.command()
def accept(
    request_id: _RequestId,
    link_id: _LinkId,
    *,
    reason: _Reason,
    apply: _Apply = False,
    as_json: _Json = False,
) -> None:
    """Say that an identifier is the data subject's; a dry run unless --yes.

    A wrong one erases or discloses what is somebody else's. For a deletion two people have to say so.
    """
    _rule(request_id, link_id, "acceptance", reason, apply=apply, as_json=as_json)


@app.command()
def refuse(
    request_id: _RequestId,
    link_id: _LinkId,
    *,
    reason: _Reason,
    apply: _Apply = False,
    as_json: _Json = False,
) -> None:
    """Say that an identifier is somebody else's; a dry run unless --yes. It cannot be taken back."""
    _rule(request_id, link_id, "refusal", reason, apply=apply, as_json=as_json)


def _rule(
    request_id: str, link_id: str, verdict: str, reason: str, *, apply: bool, as_json: bool
) -> None:
    api = InternalApi(internal_connection())
    mine = [one for one in api.links(request_id) if one["id"] == link_id]
    if not mine:
        raise CommandError(f"{request_id} has no link {link_id}")
    said = f"{verdict} of {_named(mine[-1])}: {reason}"
    if not apply:
        typer.echo(f"{said}; add --yes to do it")
        return
    made = api.decide(request_id, f"links/{link_id}/{verdict}", {"reason": reason})
    if as_json:
        typer.echo(json.dumps(made, indent=2, ensure_ascii=False))
        return
    typer.echo(said if made["decided"] else f"{said}; it waits for another person to say the same")


def _named(one: dict[str, Any]) -> str:
    return f"{one['kind']} {one['id']}, which {one['system_id']} found through {one['through']}"
