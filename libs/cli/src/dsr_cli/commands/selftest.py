"""`dsr selftest`: whether an installation works, without a system being asked for anything."""

from __future__ import annotations

import asyncio
import os
import uuid
from typing import Annotated, Any

import httpx
import typer

from dsr_cli.api.client import ApiError, IntakeClient
from dsr_cli.connection import api_connection
from dsr_cli.errors import CommandError

__all__ = ["command"]

_TIMEOUT_S = 10.0
_EVERY_S = 0.2


def command(
    *,
    ready: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL", help="A service whose parts must all be up; several may be given"
        ),
    ] = None,
    jurisdiction: Annotated[
        str, typer.Option(help="The request's; its rules must be published")
    ] = "DE",
    within: Annotated[float, typer.Option(help="Seconds until all of it must be so", min=1)] = 60.0,
) -> None:
    """Look whether all is up; with DSR_TOKEN, also submit a request and withdraw it.

    The request's person is nobody, and not proven to be anybody: no system is asked, and it ends at once.
    """
    try:
        asyncio.run(asyncio.wait_for(_look(ready or [], jurisdiction), within))
    except TimeoutError as error:
        raise CommandError(f"it was not so within {within:g} s") from error


async def _look(ready: list[str], jurisdiction: str) -> None:
    for url in ready:
        await _all_up(url)
        typer.echo(f"{url}: all parts are up")
    if not os.environ.get("DSR_TOKEN"):
        typer.echo("no request is tried: DSR_TOKEN is not set")
        return
    async with IntakeClient(*api_connection()) as client:
        ended = await _come_and_go(client, jurisdiction)
    typer.echo(f"{ended['id']}: accepted, withdrawn and answered")


async def _all_up(url: str) -> None:
    """Return once every part of a service is up; what is away is said once for each state."""
    said = ""
    async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as http:
        while True:
            try:
                answer = await http.get(f"{url.rstrip('/')}/readyz")
            except httpx.HTTPError as error:
                now = f"cannot be reached ({type(error).__name__})"
            else:
                if answer.is_success:
                    return
                now = f"waits for {', '.join(answer.json().get('faults', ())) or 'its start'}"
            if now != said:
                typer.echo(f"{url} {now}")
                said = now
            await asyncio.sleep(_EVERY_S)


async def _come_and_go(client: IntakeClient, jurisdiction: str) -> dict[str, Any]:
    accepted = await _submitted(
        client,
        {
            "right": "deletion",
            "jurisdiction": jurisdiction,
            "identity": [{"kind": "account_id", "value": f"selftest-{uuid.uuid4()}"}],
            "identity_attested": False,
            "letters": False,
            "requester": {"role": "data_subject"},
            "channel": "api",
        },
    )
    found = await client.withdraw(accepted["id"], reason="selftest")
    while found["state"] != "answered":
        await asyncio.sleep(_EVERY_S)
        found = await client.show(accepted["id"])
    return found


async def _submitted(client: IntakeClient, body: dict[str, Any]) -> dict[str, Any]:
    """Submit a request, again and again while intake is away or says so; it is accepted once."""
    key, said = str(uuid.uuid4()), ""
    while True:
        try:
            return await client.submit(body, idempotency_key=key)
        except ApiError as error:
            if not error.is_passing:
                raise
            if str(error) != said:
                said = str(error)
                typer.echo(said)
        await asyncio.sleep(_EVERY_S)
