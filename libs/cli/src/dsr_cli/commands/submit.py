"""`dsr submit`: one subject request from the command line, or many from a file."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from dsr_cli.api.client import IntakeClient
from dsr_cli.commands.submit_file import submit_file
from dsr_cli.connection import api_connection
from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console
from dsr_core.rights import Right


def command(  # noqa: PLR0917 - Typer passes them by name
    identifiers: Annotated[
        list[str] | None,
        typer.Argument(
            help="- reads KIND=VALUE lines from standard input, which keeps identifiers out of the "
            "shell's history and the list of processes; or KIND=VALUE, for example "
            "email=person@example.com"
        ),
    ] = None,
    right: Annotated[
        str, typer.Option(help=f"What is asked for: {', '.join(sorted(Right))}")
    ] = "deletion",
    correct: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CATEGORY=NEW", help="With --right correction: what is right; repeat it"
        ),
    ] = None,
    was: Annotated[
        list[str] | None,
        typer.Option(metavar="CATEGORY=OLD", help="And what stands there now; repeat it"),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only data from this day on: YYYY-MM-DD")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="USE",
            help="With --right opt_out or objection: end marketing or sale_or_sharing alone; repeat it",
        ),
    ] = None,
    jurisdiction: Annotated[str, typer.Option(help="ISO 3166, for example DE or US-CA")] = "DE",
    key: Annotated[
        str | None, typer.Option(help="Idempotency key; a retry with the same key is safe")
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.ndjson",
            help="Many, one JSON body a line as the API takes it, each with its own "
            "idempotency_key: the same file again changes nothing",
        ),
    ] = None,
    *,
    attested: Annotated[
        bool,
        typer.Option(
            "--attested",
            help="You attest that the person is who they say they are; else the request waits for a proof",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Submit a subject request, or with --batch a file of them; exit code 1 if any is refused."""
    if batch is not None:
        if identifiers:
            raise CommandError("give identifiers or --batch, not both")
        submit_file(batch, as_json=as_json)
        return
    if not identifiers:
        raise CommandError("give identifiers, - to read them from standard input, or --batch FILE")
    body = {
        "right": right,
        "jurisdiction": jurisdiction,
        "identity": [_identifier(text) for text in _given(identifiers)],
        "identity_attested": attested,
        "requester": {"role": "data_subject"},
        "channel": "api",
        **_corrections(correct or [], was or []),
        **_scope(since, only or []),
    }
    accepted = asyncio.run(_submit(body, key or str(uuid.uuid4())))
    if as_json:
        typer.echo(json.dumps(accepted, indent=2))
        return
    console = new_console()
    console.print(f"accepted {accepted['id']}, due {accepted['due_at']}")
    console.print(f"follow it: dsr watch {accepted['id']}")


def _scope(since: str | None, only: list[str]) -> dict[str, Any]:
    limits: dict[str, Any] = {"since": since} if since else {}
    if only:
        limits["uses"] = only
    return {"scope": limits} if limits else {}


def _corrections(correct: list[str], was: list[str]) -> dict[str, Any]:
    pairs = [text.partition("=") for text in (*correct, *was)]
    if not all(category and value for category, _, value in pairs):
        raise CommandError("a correction is CATEGORY=VALUE, for example user.name=Jane Doe")
    old = {category: value for category, _, value in pairs[len(correct) :]}
    made = [
        {"category": category, "new": value, "old": old.get(category, "")}
        for category, _, value in pairs[: len(correct)]
    ]
    return {"corrections": made} if made else {}


def _given(identifiers: list[str]) -> Iterator[str]:
    for text in identifiers:
        if text == "-":
            yield from filter(None, map(str.strip, sys.stdin))
        else:
            yield text


async def _submit(body: dict[str, Any], key: str) -> dict[str, Any]:
    async with IntakeClient(*api_connection()) as client:
        return await client.submit(body, idempotency_key=key)


def _identifier(text: str) -> dict[str, str]:
    kind, separator, value = text.partition("=")
    if not separator or not value:
        raise CommandError("an identifier is KIND=VALUE, for example email=person@example.com")
    return {"kind": kind, "value": value}
