"""`dsr suppression`: the list of whom to leave alone, by keyed hashes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import internal_connection
from dsr_cli.errors import CommandError
from dsr_cli.kafka.connect import operator
from dsr_cli.kafka.reading import records
from dsr_cli.view.console import new_console
from dsr_contracts.v1 import suppressions_pb2
from dsr_core.errors import RejectedInput
from dsr_core.suppressions import Suppression, SuppressionKind
from dsr_wire.codec.suppressions import suppression_from_wire
from dsr_wire.envelope import decode
from dsr_wire.suppression import FilterFile
from dsr_wire.topics import SUPPRESSIONS

app = typer.Typer(no_args_is_help=True, help="The suppression list: check, size, export, opt in")

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]
_Identifiers = Annotated[
    list[str],
    typer.Argument(
        metavar="KIND=VALUE",
        help="- reads them from standard input, a line each, which keeps them out of the shell's history",
    ),
]


@app.callback()
def group() -> None:
    """The suppression list: whom not to market to, sell, or bring in again."""


@app.command()
def check(identifiers: _Identifiers, *, as_json: _Json = False) -> None:
    """Say what the list has of identifiers; exit code 0 whether or not it has any."""
    asked = list(_given(identifiers))
    rows = InternalApi(internal_connection()).check_suppressions(asked)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for one, found in zip(asked, rows, strict=True):
        said = ", ".join(f"{each['kind']} since {each['since']}" for each in found)
        typer.echo(f"{one['kind']}: {said or 'not listed'}")


@app.command(name="list-size")
def list_size(*, as_json: _Json = False) -> None:
    """Show how many entries the list has, by kind and by the key that made their hashes."""
    found = InternalApi(internal_connection()).suppressions()
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Table("what is not to be done", "key", "entries")
    for one in found:
        table.add_row(one["kind"], one["key_id"], f"{one['entries']:,}")
    new_console().print(table)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to; what is there is replaced as a whole")],
) -> None:
    """Write the filter file that systems check rows with, from what Kafka has of the list."""
    content = FilterFile.of(_listed(), at=datetime.now(UTC))
    new = file.with_name(f".{file.name}.new")
    try:
        new.write_bytes(content.to_bytes())
        new.replace(file)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error
    entries = sum(one.entries for one in content.filters)
    typer.echo(f"{file}: {entries:,} entries, {file.stat().st_size:,} bytes")


@app.command(name="opt-in")
def opt_in(
    identifiers: _Identifiers,
    *,
    kind: Annotated[list[SuppressionKind], typer.Option(help="What is wanted again; repeat it")],
    reference: Annotated[str, typer.Option(help="Names the proof in your records")],
    given_on: Annotated[str, typer.Option(help="The day of the proof: 2026-03-02")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log, no personal data")],
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Do it; without it, only say what")
    ] = False,
) -> None:
    """Take a person off the list who proves to want it; a dry run unless --yes."""
    body = {
        "identity": list(_given(identifiers)),
        "kinds": [one.value for one in kind],
        "reference": reference,
        "given_on": given_on,
        "reason": reason,
    }
    wanted = ", ".join(one.value for one in kind)
    if not apply:
        typer.echo(f"one person would be taken off the list of {wanted}; add --yes to do it")
        return
    ended = InternalApi(internal_connection()).opt_in(body)
    typer.echo(f"{ended} entries of {wanted} have ended")


def _listed() -> Iterator[Suppression]:
    found: dict[bytes, Suppression] = {}
    for one in records(operator(), lambda name: name == SUPPRESSIONS.name):
        found.pop(one.key, None)
        if one.value:
            with suppress(RejectedInput):  # what nobody can read lists nobody
                message = decode(one.value, one.headers, suppressions_pb2.Suppression)
                found[one.key] = suppression_from_wire(message)
    yield from found.values()


def _given(identifiers: list[str]) -> Iterator[dict[str, str]]:
    lines = (
        line
        for text in identifiers
        for line in (filter(None, map(str.strip, sys.stdin)) if text == "-" else (text,))
    )
    for line in lines:
        kind, separator, value = line.partition("=")
        if not separator or not value:
            raise CommandError("an identifier is KIND=VALUE, for example email=person@example.com")
        yield {"kind": kind, "value": value}
