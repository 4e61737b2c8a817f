"""`dsr log`: the transparency log, looked at and checked as anybody can."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from dsr_cli.api.client import IntakeClient
from dsr_cli.connection import api_connection, log_keys, verifier_url
from dsr_cli.errors import CommandError
from dsr_cli.tlog.checking import LogReport, check_log
from dsr_cli.tlog.site import LogSite
from dsr_cli.view.console import new_console
from dsr_cli.view.log_tree import tree_picture
from dsr_wire.certificate.fields import MalformedError
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.log.checkpoints import read_checkpoint
from dsr_wire.log.leaves import Leaf
from dsr_wire.log.notes import InvalidNote, NoteKey, split_note
from dsr_wire.log.tiles import InvalidTile

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="The transparency log: show it, check it, list its keys"
)

Url = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where it is served; the local stack's unless given"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable")]
Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="The log's key or a witness's, as `dsr log keys` lists them; may be repeated",
    ),
]


@app.command()
def show(url: Url = None, *, as_json: AsJson = False) -> None:
    """Show how large the log is, its root, what waits for it, and its tree."""
    with LogSite(url or verifier_url()) as site:
        note = site.checkpoint()
        try:
            checkpoint = read_checkpoint(note)
            _, signatures = split_note(note)
            last = _last(site, checkpoint.size)
        except (InvalidNote, InvalidTile, ValueError) as error:
            raise CommandError(f"what {site.url} serves is no log: {error}") from error
        pending, fault = site.pending(), site.fault()
    age = (datetime.now(UTC) - last.at).total_seconds() if last else None
    if as_json:
        document: dict[str, Any] = {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "signatures": [f"{one.name}+{one.id:08x}" for one in signatures],
            "last_leaf_at": last.at.isoformat() if last else None,
            "pending": pending,
            "fault": fault,
        }
        typer.echo(json.dumps(document, indent=2))
        return
    console = new_console()
    console.print(Text(checkpoint.origin, style="bold"))
    console.print(f"{checkpoint.size:,} leaves, {_waiting(pending)}")
    console.print(f"root {checkpoint.root.hex()}")
    for one in signatures:
        console.print(f"signed by {one.name}+{one.id:08x}")
    if age is not None:
        console.print(f"the newest leaf is {_span(age)} old")
    if fault is not None:
        console.print(Text(f"stands still: {fault}", style="bold red"))
    for line in tree_picture(checkpoint.size):
        console.print(line)


@app.command()
def check(
    url: Url = None,
    *,
    earlier: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="A checkpoint that you kept: prove that the log goes on from it, and read no leaf",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the newest checkpoint here, if all is good"),
    ] = None,
    key: Keys = None,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Published keys that you kept: `dsr log keys --save`"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check the log: who signed it, and that its leaves make its root, or that it only grew.

    Exit code 1 says that something is wrong, and the line with it which part. Keep checkpoints and
    keys where nobody else can change them: then a log that is rewritten shows.
    """
    known = [*_kept_keys(keys)] if keys else _keys(key)
    with LogSite(url or verifier_url()) as site:
        report = check_log(site, known, _text(earlier) if earlier else None)
    if as_json:
        typer.echo(json.dumps(_document(report), indent=2))
    else:
        _print(report)
    if save is not None and report.is_good:
        save.write_text(report.note, encoding="utf-8")
    if not report.is_good:
        raise typer.Exit(1)


@app.command()
def keys(
    *,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the keys here, as they are published")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the published keys: the log's, its witnesses', and how many systems sign.

    Keep a copy where nobody else can change it. A key that is given together with what it checks
    proves nothing.
    """
    data = asyncio.run(_published())
    published = _read_keys(data)
    if save is not None:
        save.write_bytes(data)
    if as_json:
        typer.echo(data.decode())
        return
    for what, those in (("log", published.log), ("witness", published.witnesses)):
        for one in those:
            typer.echo(f"{what} {one.text()}")
    typer.echo(f"{len(published.systems)} systems have signing keys; --json lists them")


async def _published() -> bytes:
    async with IntakeClient(*api_connection()) as client:
        return await client.evidence_keys()


def _kept_keys(path: Path) -> tuple[NoteKey, ...]:
    published = _read_keys(_text(path).encode())
    return (*published.log, *published.witnesses)


def _read_keys(data: bytes) -> PublishedKeys:
    try:
        return PublishedKeys.from_bytes(data)
    except MalformedError as error:
        raise CommandError(f"not published keys: {error}") from error


def _print(report: LogReport) -> None:
    console = new_console()
    marks = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("?", "yellow")}
    for one in report.checks:
        mark, style = marks[one.is_good]
        console.print(Text.assemble((f"{mark} ", style), one.text))


def _document(report: LogReport) -> dict[str, Any]:
    found = report.checkpoint
    return {
        "good": report.is_good,
        "origin": found.origin if found else None,
        "size": found.size if found else None,
        "root": found.root.hex() if found else None,
        "leaves": dict(sorted(report.kinds.items())),
        "checks": [
            {"part": one.part, "good": one.is_good, "text": one.text} for one in report.checks
        ],
    }


def _keys(given: list[str] | None) -> list[NoteKey]:
    try:
        return [NoteKey.parse(one) for one in given] if given else log_keys()
    except ValueError as error:
        raise CommandError(f"not a key of a log: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise CommandError(f"{os.fspath(path)} cannot be read: {reason}") from error


def _last(site: LogSite, size: int) -> Leaf | None:
    leaves = [one for _, found in site.bundles(size, max(0, size - 1)) for one in found]
    return Leaf.read(leaves[-1]) if leaves else None


def _waiting(pending: int | None) -> str:
    if pending is None:
        return "and nobody says how much waits"
    return f"and {pending:,} facts wait" if pending else "and nothing waits"


def _span(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} seconds"
