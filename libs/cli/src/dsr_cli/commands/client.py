"""`dsr client`: who may call intake: programs, operators and privacy officers."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import OFFICER, internal_connection
from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console

app = typer.Typer(
    no_args_is_help=True, help="Who may call: create, list, rotate, renew, receive, revoke"
)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]
ClientId = Annotated[str, typer.Argument(help="As `list` shows it")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit log, so no personal data")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without it, only say what")]
Expires = Annotated[
    str | None, typer.Option(help="How long the key is good, for example 90d; else for ever")
]

_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Role(StrEnum):
    """What a client is."""

    CLIENT = "client"
    OPERATOR = "operator"
    PRIVACY_OFFICER = "privacy_officer"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What people call the client")],
    *,
    role: Annotated[Role, typer.Option(help="What it is")] = Role.CLIENT,
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do; repeat it. Else what its role gives")
    ] = None,
    jurisdiction: Annotated[
        list[str] | None,
        typer.Option(help="Of an operator: whose requests it sees, '*' for all; repeat it"),
    ] = None,
    expires: Expires = None,
    calls_per_s: Annotated[
        int | None, typer.Option(help="How much it may call, else as intake is set")
    ] = None,
    calls_at_once: Annotated[int | None, typer.Option(help="How much at once")] = None,
    reason: Reason,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Create a client and show its API key, this once: only a hash is kept; a dry run unless --yes.

    A person has one, and keeps it: what needs two people is told apart by it.
    """
    body: dict[str, Any] = {"name": name, "role": role.value, "jurisdictions": jurisdiction or []}
    if scope:
        body["scopes"] = scope
    if (calls_per_s is None) != (calls_at_once is None):
        raise CommandError("--calls-per-s and --calls-at-once go together")
    if calls_per_s is not None:
        body["limits"] = {"calls_per_s": calls_per_s, "calls_at_once": calls_at_once}
    body |= _until(expires) | {"reason": reason}
    if not yes:
        _would("create", {"name": name, "role": role.value, "where": " ".join(jurisdiction or [])})
        return
    _show(_api().create_client(body), as_json=as_json)


@app.command("list")
def list_(*, as_json: Json = False) -> None:
    """List the clients."""
    clients = _api().list_clients()
    if as_json:
        typer.echo(json.dumps(clients, indent=2))
        return
    table = Table("client", "name", "role", "where", "created", "ends", "revoked", "packages")
    for client in clients:
        table.add_row(
            client["client_id"],
            client["name"],
            client["role"],
            " ".join(client["jurisdictions"]),
            client["created_at"][:16],
            (client["expires_at"] or "")[:16],
            (client["revoked_at"] or "")[:16],
            (client.get("package_recipient") or "")[:12],
        )
    new_console().print(table)


@app.command()
def rotate(
    client_id: ClientId,
    *,
    overlap: Annotated[str, typer.Option(help="How long the former key is good, for example 7d")],
    expires: Expires = None,
    reason: Reason,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Make another API key for a program, and show it, this once; a dry run unless --yes.

    The former one runs out, and one that did so before ends now: two are good at the most.
    """
    body = {"overlap_s": int(_span(overlap).total_seconds()), **_until(expires), "reason": reason}
    if not yes:
        _would("rotate", {"client": client_id, "former key ends in": overlap})
        return
    _show(_api().rotate_key(client_id, body), as_json=as_json)


@app.command()
def renew(
    *,
    overlap: Annotated[str, typer.Option(help="How long the former key is good, for example 7d")],
    reason: Reason,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Make another API key of one's own, as a person, and show it, this once; a dry run unless --yes.

    It can do what the former one can, and ends when that was to end.
    """
    body = {"overlap_s": int(_span(overlap).total_seconds()), "reason": reason}
    if not yes:
        _would("renew", {"client": "one's own", "former key ends in": overlap})
        return
    _show(InternalApi(internal_connection()).rotate_own_key(body), as_json=as_json)


@app.command()
def revoke(client_id: ClientId, *, reason: Reason, yes: Yes = False) -> None:
    """Revoke a client, whose requests go on; a dry run unless --yes."""
    if not yes:
        _would("revoke", {"client": client_id})
        return
    _api().revoke_client(client_id, reason=reason)
    new_console().print(f"{client_id} is revoked")


@app.command()
def receive(
    client_id: ClientId,
    *,
    recipient: Annotated[
        str | None,
        typer.Option(help="Its public key of age, like age1..., from its owner by a way you trust"),
    ] = None,
    nothing: Annotated[
        bool, typer.Option("--nothing", help="It gets none any more; what is on its way ends")
    ] = False,
    reason: Reason,
    yes: Yes = False,
) -> None:
    """Allow a program to have packages at its callback, encrypted to its key; a dry run unless --yes.

    Of its own requests that ask for it. What is on its way under another key begins anew.
    """
    if (recipient is None) != nothing:
        raise CommandError("say either --recipient KEY or --nothing")
    if not yes:
        _would(
            "send packages to", {"client": client_id, "encrypted to": recipient or "nobody: none"}
        )
        return
    if recipient is None:
        _api().end_packages(client_id, reason=reason)
        new_console().print(f"{client_id} gets no packages any more")
        return
    _api().allow_packages(client_id, recipient, reason=reason)
    new_console().print(f"{client_id} gets the packages that it asks for, encrypted to {recipient}")


def _would(what: str, details: dict[str, str]) -> None:
    """Say what would be done."""
    table = Table("would", what)
    for name, value in details.items():
        table.add_row(name, value)
    console = new_console()
    console.print(table)
    console.print("add --yes to do it")


def _api() -> InternalApi:
    return InternalApi(internal_connection(OFFICER))


def _until(expires: str | None) -> dict[str, str]:
    return {"expires_at": (datetime.now(UTC) + _span(expires)).isoformat()} if expires else {}


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise CommandError(f"{text} is no span of time: write it as 90d, 12h, 30m or 45s")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _show(client: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(client, indent=2))
        return
    console = new_console()
    console.print(f"client  {client['client_id']}  ({client['name']})")
    console.print(f"API key {client['api_key']}", soft_wrap=True)
    console.print("Keep it now: it cannot be shown again.")
