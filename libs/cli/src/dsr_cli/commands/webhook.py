"""`dsr webhook`: where an API client is told how its requests go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from dsr_cli.api.client import IntakeClient
from dsr_cli.connection import api_connection
from dsr_cli.view.console import new_console

app = typer.Typer(
    no_args_is_help=True, help="Webhooks of an API client: set, show, rotate, replay, remove"
)

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]


@app.command(name="set")
def set_(
    url: Annotated[str, typer.Argument(help="https, to a public address")],
    *,
    as_json: _Json = False,
) -> None:
    """Have every change of state told to a URL, signed; shows the secret. Safe to repeat."""
    _with_secret(_call(lambda client: client.set_webhook(url)), as_json=as_json)


@app.command()
def show(*, as_json: _Json = False) -> None:
    """Show where the client is told, and how that goes."""
    found = _call(lambda client: client.webhook())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    console = new_console()
    console.print(f"{found['url']}, messages waiting: {found['waiting']}")
    if found["disabled_at"]:
        console.print(
            f"disabled since {found['disabled_at']}: {found['disabled_because']}; "
            "`dsr webhook set` enables it"
        )
    elif found["failing_since"]:
        console.print(f"nothing was delivered since {found['failing_since']}")


@app.command()
def rotate(*, as_json: _Json = False) -> None:
    """Have another secret; for a day, messages are signed with the former one as well."""
    _with_secret(_call(lambda client: client.rotate_webhook()), as_json=as_json)


@app.command()
def replay(
    since: Annotated[str, typer.Argument(help="A time with its offset: 2026-03-01T00:00:00Z")],
) -> None:
    """Be told again of every change since a time."""
    found = _call(lambda client: client.replay_webhook(since))
    typer.echo(f"messages sent again: {found['messages']}")


@app.command()
def remove() -> None:
    """Be told nothing more; what waits is dropped. Safe to repeat."""

    async def call() -> None:
        async with IntakeClient(*api_connection()) as client:
            await client.remove_webhook()

    asyncio.run(call())


def _call(work: Callable[[IntakeClient], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    async def call() -> dict[str, Any]:
        async with IntakeClient(*api_connection()) as client:
            return await work(client)

    return asyncio.run(call())


def _with_secret(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(made, indent=2))
        return
    console = new_console()
    console.print(f"{made['url']} is told of every change")
    console.print(f"secret {made['secret']}", soft_wrap=True)
