"""`dsr hold`: legal holds, which suspend erasure until they are lifted."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import internal_connection
from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console

app = typer.Typer(no_args_is_help=True, help="Legal holds: place, list, lift")

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]
_Apply = Annotated[bool, typer.Option("--yes", "--apply", help="Decide; without it, only say what")]


@app.callback()
def group() -> None:
    """Legal holds, which suspend erasure until they are lifted."""


@app.command()
def place(
    *,
    authority: Annotated[str, typer.Option(help="Who ordered it: a court, an authority, counsel")],
    reason: Annotated[str, typer.Option(help="Why; kept, so no personal data")],
    request: Annotated[str | None, typer.Option(help="The request that it is about")] = None,
    person: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=VALUE", help="Or whom: any of the identifiers; kept as hashes only"
        ),
    ] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only this system; repeat it")] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Only systems with this category; repeat it")
    ] = None,
    effective_at: Annotated[
        str | None,
        typer.Option(help="Since when, with an offset: 2026-03-02T09:30:00Z; else now"),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key; a retry with the same key is safe")
    ] = None,
    apply: _Apply = False,
    as_json: _Json = False,
) -> None:
    """Place a legal hold on a request, or on a person's now and to come; a dry run unless --yes.

    No clock stops, and no system is asked to erase what is held until the last hold is lifted.
    """
    body = _body(request, person or [])
    body |= {"authority": authority, "reason": reason}
    body |= {"system_ids": system or [], "categories": category or []}
    if effective_at:
        body["effective_at"] = effective_at
    about = request or "a person"
    if not apply:
        typer.echo(f"a hold of {authority} on {about} would be placed; add --yes to do it")
        return
    hold = InternalApi(internal_connection()).place_hold(body, key=key)
    _show(hold, f"the hold {hold['id']} on {about} is placed", as_json=as_json)


@app.command(name="list")
def list_(*, as_json: _Json = False) -> None:
    """Show every hold, the newest first; whom one is about is not kept."""
    found = InternalApi(internal_connection()).holds()
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    table = Table("hold", "about", "of", "why", "since", "holds", "lifted")
    for one in found:
        table.add_row(
            one["id"],
            one["request_id"] or "a person",
            one["authority"],
            one["reason"],
            one["effective_at"][:16],
            str(one["requests"]),
            (one["lifted_at"] or "")[:16],
        )
    new_console().print(table)


@app.command()
def lift(
    hold_id: Annotated[str, typer.Argument(help="As `list` shows it")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept, so no personal data")],
    apply: _Apply = False,
    as_json: _Json = False,
) -> None:
    """Lift a legal hold; a dry run unless --yes. Erasure goes on where no other hold covers it."""
    api = InternalApi(internal_connection())
    found = next((one for one in api.holds() if one["id"] == hold_id), None)
    if found is None:
        raise CommandError(f"there is no hold {hold_id}")
    if found["lifted_at"]:
        raise CommandError(f"{hold_id} was lifted at {found['lifted_at']}")
    if not apply:
        count = found["requests"]
        typer.echo(f"{hold_id} would be lifted (requests held: {count}); add --yes to do it")
        return
    hold = api.lift_hold(hold_id, reason=reason)
    _show(hold, f"{hold_id} is lifted", as_json=as_json)


def _body(request: str | None, person: list[str]) -> dict[str, Any]:
    if (request is None) == (not person):
        raise CommandError("name either --request or --person")
    if request is not None:
        return {"request_id": request}
    identifiers = []
    for one in person:
        kind, is_pair, value = one.partition("=")
        if not (kind and is_pair and value):
            raise CommandError("--person is KIND=VALUE, for example email=someone@example.com")
        identifiers.append({"kind": kind, "value": value})
    return {"person": identifiers}


def _show(hold: dict[str, Any], said: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(hold, indent=2, ensure_ascii=False) if as_json else said)
