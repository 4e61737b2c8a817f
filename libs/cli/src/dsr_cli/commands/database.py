"""`dsr database`: the logins that services have in PostgreSQL."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dsr_cli.stack.roles import statements

app = typer.Typer(no_args_is_help=True, help="PostgreSQL's logins: roles")


@app.callback()
def group() -> None:
    """Help with PostgreSQL's logins."""


@app.command()
def roles(
    database: Annotated[str, typer.Argument(help="The database's name")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One statement a string")] = False,
) -> None:
    """Print the SQL that makes every service's logins in a database, for a super user to run.

    Passwords are set apart. Running it again changes nothing.
    """
    found = statements(database)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo(";\n".join([*found, ""]), nl=False)
