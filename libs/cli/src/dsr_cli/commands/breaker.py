"""`dsr breaker`: what stops more erasures than are usual, and the two people who let them go on."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import internal_connection
from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console

app = typer.Typer(help="The breaker: show it; let erasures go on, by two people")

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]
_Apply = Annotated[bool, typer.Option("--yes", "--apply", help="Do it; without it, only say what")]


@app.callback(invoke_without_command=True)
def show(context: typer.Context, *, as_json: _Json = False) -> None:
    """Show how many erasures have passed within the window, what is stopped, and what waits."""
    if context.invoked_subcommand is not None:
        return
    found = InternalApi(internal_connection()).breaker()
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    console = new_console()
    table = Table("scope", "passed", "limit", "released", "waiting", "erasures")
    for one in found["scopes"]:
        table.add_row(
            "the whole group" if one["scope"] == "*" else one["scope"],
            str(one["erasures"]),
            str(one["limit"]),
            f"+{one['extra']}" if one["extra"] else "",
            str(one["waiting"] or ""),
            Text(f"stopped since {one['tripped_at']}", style="red")
            if one["tripped_at"]
            else "pass",
        )
    console.print(table)
    for one in found["releases"]:
        if one["approved_at"] is None and _is_stopped(found, one["scope"], one["tripped_at"]):
            console.print(
                f"{one['id']} waits for another person: {one['proposed_by']} would let "
                f"{one['extra']} more pass for {one['scope']}: {one['reason']}"
            )


@app.command()
def release(
    scope: Annotated[str, typer.Argument(help="'*' for the whole group, or an organisation")],
    *,
    reason: Annotated[str, typer.Option(help="Why so many are right; kept, no personal data")],
    extra: Annotated[
        int | None,
        typer.Option(min=0, help="How many may pass on top of the limit; what waits unless given"),
    ] = None,
    apply: _Apply = False,
) -> None:
    """Propose that erasures go on; a dry run unless --yes.

    It changes nothing until another person approves it.
    """
    api = InternalApi(internal_connection())
    found = api.breaker()
    one = next((each for each in found["scopes"] if each["scope"] == scope), None)
    if one is None or one["tripped_at"] is None:
        raise CommandError(
            f"erasures are not stopped for {scope}; `dsr breaker` shows where they are"
        )
    more = one["waiting"] if extra is None else extra
    if not apply:
        typer.echo(
            f"{more} more than {one['limit']} would pass for {scope}; add --yes to propose it"
        )
        return
    body: dict[str, Any] = {"scope": scope, "reason": reason, "extra": more}
    made = api.propose_release(body)
    typer.echo(f"{made['id']} waits for another person:")
    typer.echo(f"dsr breaker approve {made['id']} --as NAME --yes")


@app.command()
def approve(
    release_id: Annotated[str, typer.Argument(help="As `dsr breaker` shows it")],
    *,
    apply: _Apply = False,
) -> None:
    """Let erasures go on, as another person proposed; a dry run unless --yes.

    What waits goes out by itself within minutes. It cannot be taken back.
    """
    api = InternalApi(internal_connection())
    found = api.breaker()
    one = next((each for each in found["releases"] if each["id"] == release_id), None)
    if one is None:
        raise CommandError(f"nothing was proposed as {release_id}; `dsr breaker` lists proposals")
    said = f"{one['extra']} more erasures pass for {one['scope']}: {one['reason']}"
    if not apply:
        typer.echo(f"{said} (proposed by {one['proposed_by']}); add --yes to approve it")
        return
    api.approve_release(release_id)
    typer.echo(said)


def _is_stopped(found: dict[str, Any], scope: str, tripped_at: str) -> bool:
    return any(one["scope"] == scope and one["tripped_at"] == tripped_at for one in found["scopes"])
