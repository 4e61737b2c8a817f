"""`dsr request`: what people decide about one subject request."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer

from dsr_cli.api.client import IntakeClient
from dsr_cli.api.internal import InternalApi
from dsr_cli.commands import request_settle
from dsr_cli.connection import api_connection, internal_connection
from dsr_cli.errors import CommandError

app = typer.Typer(no_args_is_help=True, help="Decide about one request")
clarify = typer.Typer(no_args_is_help=True, help="What exactly the requester means: ask, given")
app.add_typer(clarify, name="clarify")
app.add_typer(request_settle.app, name="settle")

RequestId = Annotated[str, typer.Argument(help="The request that is decided about")]
Reason = Annotated[str, typer.Option(help="Why; kept with the request, so no personal data")]
Apply = Annotated[bool, typer.Option("--yes", "--apply", help="Decide; without it, only say what")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable: the request as it stands")]

_ENDED = ("stopping", "closed", "answered")
_MOMENT = "with an offset: 2026-03-02T09:30:00Z; else now"


@app.callback()
def group() -> None:
    """Decide about one request: it ends, waits, or has more time."""


@app.command()
def withdraw(
    request_id: RequestId,
    *,
    reason: Annotated[str | None, typer.Option(help="Why; no personal data")] = None,
    apply: Apply = False,
    as_json: Json = False,
) -> None:
    """Take a request back, as the API client that submitted it; a dry run unless --yes.

    Before any system was asked it ends at once; else each is told to stop, and says how far it was.
    """
    found = asyncio.run(_withdraw(request_id, reason, apply=apply))
    _show(found, as_json=as_json, dry="" if apply else "would be withdrawn")


@app.command()
def refuse(
    request_id: RequestId,
    *,
    ground: Annotated[str, typer.Option(help="The provision, for example 'GDPR 12(5)(b)'")],
    reason: Reason,
    apply: Apply = False,
    as_json: Json = False,
) -> None:
    """Refuse a request on a legal ground; a dry run unless --yes."""
    body = {"ground": ground, "reason": reason}
    _decide(request_id, "refusal", body, apply=apply, as_json=as_json, dry="would be refused")


@app.command()
def refer(
    request_id: RequestId,
    *,
    controller: Annotated[str, typer.Option(help="The organisation that the data is of")],
    pointer: Annotated[str, typer.Option(help="Where the requester can ask it")],
    reason: Reason,
    apply: Apply = False,
    as_json: Json = False,
) -> None:
    """Refer a request for a customer's data to that customer; a dry run unless --yes."""
    body = {"controller": controller, "pointer": pointer, "reason": reason}
    _decide(request_id, "referral", body, apply=apply, as_json=as_json, dry="would be referred")


@app.command()
def extend(
    request_id: RequestId,
    *,
    reason: Annotated[str, typer.Option(help="What the requester was told; no personal data")],
    notified_at: Annotated[
        str | None, typer.Option(help=f"When the requester was told, {_MOMENT}")
    ] = None,
    apply: Apply = False,
    as_json: Json = False,
) -> None:
    """Extend the time to answer, once, where the law allows it; a dry run unless --yes.

    Refused, with the date, where the requester was told too late.
    """
    body = {"reason": reason} | ({"notified_at": notified_at} if notified_at else {})
    _decide(request_id, "extension", body, apply=apply, as_json=as_json, dry="would be extended")


@clarify.command()
def ask(
    request_id: RequestId,
    *,
    question: Annotated[str, typer.Option(help="A code, or words without personal data")],
    asked_at: Annotated[
        str | None, typer.Option(help=f"When the requester was asked, {_MOMENT}")
    ] = None,
    apply: Apply = False,
    as_json: Json = False,
) -> None:
    """Record that the requester was asked what exactly is meant; a dry run unless --yes."""
    body = {"question": question} | ({"asked_at": asked_at} if asked_at else {})
    dry = "would wait for what the requester says"
    _decide(request_id, "clarification:ask", body, apply=apply, as_json=as_json, dry=dry)


@clarify.command()
def given(
    request_id: RequestId,
    *,
    reason: Annotated[str, typer.Option(help="What follows; kept, so no personal data")],
    given_at: Annotated[
        str | None, typer.Option(help=f"When the requester said it, {_MOMENT}")
    ] = None,
    apply: Apply = False,
    as_json: Json = False,
) -> None:
    """Record that the requester has said what is meant, and a clock that stood still goes on.

    A dry run unless --yes.
    """
    body = {"reason": reason} | ({"given_at": given_at} if given_at else {})
    dry = "would wait no more for what the requester says"
    _decide(request_id, "clarification:give", body, apply=apply, as_json=as_json, dry=dry)


async def _withdraw(request_id: str, reason: str | None, *, apply: bool) -> dict[str, Any]:
    async with IntakeClient(*api_connection()) as client:
        found = await client.show(request_id)
        _require_open(found)
        if not apply:
            return found
        return await client.withdraw(request_id, reason=reason)


def _decide(
    request_id: str,
    what: str,
    body: dict[str, Any],
    *,
    apply: bool,
    as_json: bool,
    dry: str,
) -> None:
    api = InternalApi(internal_connection())
    found = api.request(request_id)
    _require_open(found)
    if apply:
        found = api.decide(request_id, what, body)
    _show(found, as_json=as_json, dry="" if apply else dry)


def _require_open(found: dict[str, Any]) -> None:
    if found["state"] in _ENDED:
        raise CommandError(f"{found['id']} is {found['state']}: nothing of it can be decided")


def _show(found: dict[str, Any], *, as_json: bool, dry: str = "") -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if dry:
        typer.echo(f"{found['id']} is {found['state']}, and {dry}; add --yes to do it")
        return
    outcome = f" ({found['outcome']})" if found["outcome"] else f", due {found['due_at']}"
    typer.echo(f"{found['id']} is {found['state']}{outcome}")
    if found.get("breach"):
        typer.echo(f"late, and kept as a breach: {found['breach']}", err=True)
