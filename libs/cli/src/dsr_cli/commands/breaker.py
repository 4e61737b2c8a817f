"""`dsr breaker`: what stops more erasures than are usual, and the two people who decide what waits."""

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

app = typer.Typer(help="The breaker: show it; let erasures go on or refuse them, by two people")

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]
_Apply = Annotated[bool, typer.Option("--yes", "--apply", help="Do it; without it, only say what")]


@app.callback(invoke_without_command=True)
def show(context: typer.Context, *, as_json: _Json = False) -> None:
    """Show how many erasures have passed in the window and in a day, what is stopped, what waits."""
    if context.invoked_subcommand is not None:
        return
    api = InternalApi(internal_connection())
    found = api.breaker() | {"refusals": api.breaker_refusals()}
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    console = new_console()
    table = Table(
        "scope", "passed", "limit", "in a day", "limit", "released", "waiting", "erasures"
    )
    for one in found["scopes"]:
        table.add_row(
            "the whole group" if one["scope"] == "*" else one["scope"],
            str(one["erasures"]),
            str(one["limit"]),
            str(one["day_erasures"]),
            str(one["day_limit"]),
            f"+{one['day_extra']}" if one["day_extra"] else "",
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
    for one in found["refusals"]:
        if one["done_at"] is None:
            console.print(f"{one['id']} {_standing(one)}: {_refusal(one)}")


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
            f"{more} more than {one['limit']} ({one['day_limit']} in a day) would pass for {scope}; "
            "add --yes to propose it"
        )
        return
    body: dict[str, Any] = {"scope": scope, "reason": reason, "extra": more}
    made = api.propose_release(body)
    typer.echo(f"{made['id']} waits for another person:")
    typer.echo(f"dsr breaker approve {made['id']} --as NAME --yes")


@app.command()
def refuse(
    scope: Annotated[str, typer.Argument(help="'*' for the whole group, or an organisation")],
    *,
    ground: Annotated[str, typer.Option(help="The provision, for example 'GDPR 12(5)(b)'")],
    reason: Annotated[str, typer.Option(help="Why; kept with each request, no personal data")],
    client: Annotated[
        str | None, typer.Option(help="The API client whose requests are refused; all unless given")
    ] = None,
    apply: _Apply = False,
) -> None:
    """Propose that what waits is refused, each request as by itself; a dry run unless --yes.

    It changes nothing until another person approves it.
    """
    api = InternalApi(internal_connection())
    one = next((each for each in api.breaker()["scopes"] if each["scope"] == scope), None)
    if one is None or not one["waiting"]:
        raise CommandError(f"nothing waits for {scope}; `dsr breaker` shows where something does")
    whose = f" of {client}" if client else ""
    if not apply:
        most = "those of them" if client else "they"
        typer.echo(
            f"{one['waiting']} requests wait for {scope}; {most}{whose} would be refused; "
            "add --yes to propose it"
        )
        return
    body = {"scope": scope, "ground": ground, "reason": reason, "client_id": client}
    made = api.propose_breaker_refusal(body)
    typer.echo(f"{made['id']} waits for another person, to refuse {made['waiting']} requests:")
    typer.echo(f"dsr breaker approve {made['id']} --as NAME --yes")


@app.command()
def approve(
    release_id: Annotated[str, typer.Argument(help="As `dsr breaker` shows it")],
    *,
    apply: _Apply = False,
) -> None:
    """Let erasures go on, or refuse them, as another person proposed; a dry run unless --yes.

    What waits goes out, or is refused, by itself within minutes. It cannot be taken back.
    """
    api = InternalApi(internal_connection())
    found = api.breaker()
    one = next((each for each in found["releases"] if each["id"] == release_id), None)
    if one is None:
        _approve_refusal(api, release_id, apply=apply)
        return
    said = f"{one['extra']} more erasures pass for {one['scope']}: {one['reason']}"
    if not apply:
        typer.echo(f"{said} (proposed by {one['proposed_by']}); add --yes to approve it")
        return
    api.approve_release(release_id)
    typer.echo(said)


def _approve_refusal(api: InternalApi, refusal_id: str, *, apply: bool) -> None:
    one = next((each for each in api.breaker_refusals() if each["id"] == refusal_id), None)
    if one is None:
        raise CommandError(f"nothing was proposed as {refusal_id}; `dsr breaker` lists proposals")
    if not apply:
        typer.echo(f"{_refusal(one)} (proposed by {one['proposed_by']}); add --yes to approve it")
        return
    api.approve_breaker_refusal(refusal_id)
    typer.echo(_refusal(one))


def _refusal(one: dict[str, Any]) -> str:
    whose = f" of {one['client_id']}" if one["client_id"] else ""
    told = f"{one['waiting']} requests{whose} that wait for {one['scope']} are refused"
    return f"{told} ({one['ground']}): {one['reason']}"


def _standing(one: dict[str, Any]) -> str:
    if one["approved_at"] is None:
        return f"waits for another person than {one['proposed_by']}"
    return "is being carried out"


def _is_stopped(found: dict[str, Any], scope: str, tripped_at: str) -> bool:
    return any(one["scope"] == scope and one["tripped_at"] == tripped_at for one in found["scopes"])
