"""`dsr client`: who may call the API."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import internal_connection
from dsr_cli.view.console import new_console

app = typer.Typer(no_args_is_help=True, help="API clients: create, list, revoke")

Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What people call the client")],
    *,
    as_json: Json = False,
) -> None:
    """Create a client and show its API key, this once: only a hash of it is kept."""
    client = InternalApi(internal_connection()).create_client(name)
    if as_json:
        typer.echo(json.dumps(client, indent=2))
        return
    console = new_console()
    console.print(f"client  {client['client_id']}  ({client['name']})")
    console.print(f"API key {client['api_key']}", soft_wrap=True)
    console.print("Keep it now: it cannot be shown again.")


@app.command("list")
def list_(*, as_json: Json = False) -> None:
    """List the clients."""
    clients = InternalApi(internal_connection()).list_clients()
    if as_json:
        typer.echo(json.dumps(clients, indent=2))
        return
    table = Table("client", "name", "created", "revoked")
    for client in clients:
        table.add_row(
            client["client_id"],
            client["name"],
            str(client.get("created_at", "")),
            str(client.get("revoked_at") or ""),
        )
    new_console().print(table)


@app.command()
def revoke(client_id: Annotated[str, typer.Argument(help="As `list` shows it")]) -> None:
    """Revoke a client: its key is refused from now on; its requests go on."""
    InternalApi(internal_connection()).revoke_client(client_id)
    new_console().print(f"{client_id} is revoked")
