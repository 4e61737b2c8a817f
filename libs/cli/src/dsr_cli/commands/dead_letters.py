"""`dsr dead-letters`: what consumers refused, why, and sending it back."""

from __future__ import annotations

import base64
import json
from typing import Annotated

import typer
from rich.table import Table

from dsr_cli.announcing import announce
from dsr_cli.errors import CommandError
from dsr_cli.kafka.connect import operator
from dsr_cli.kafka.dead_letters import DeadLetter, dead_letters, original
from dsr_cli.view.console import new_console
from dsr_wire.topics import is_dead_letter

app = typer.Typer(no_args_is_help=True, help="What consumers refused: list, show, replay")

Topic = Annotated[str | None, typer.Option(help="Only this topic's, by its own name")]
Reason = Annotated[str | None, typer.Option(help="Only those refused for this reason")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]
Id = Annotated[str, typer.Argument(help="TOPIC/PARTITION/OFFSET, as the list shows it")]


@app.command("list")
def list_(topic: Topic = None, reason: Reason = None, *, as_json: Json = False) -> None:
    """List dead letters with their reasons, oldest first."""
    letters = _found(topic, reason)
    if as_json:
        typer.echo(json.dumps([_summary(letter) for letter in letters], indent=2))
        return
    if not letters:
        new_console().print("no dead letters")
        return
    table = Table("dead letter", "reason", "refused by", "at", "bytes", "detail")
    for letter in letters:
        table.add_row(
            letter.id,
            letter.said("reason"),
            letter.said("refused_by"),
            letter.said("refused_at")[:19],
            str(len(letter.value)),
            letter.said("detail"),
        )
    new_console().print(table)


@app.command()
def show(identifier: Id, *, as_json: Json = False) -> None:
    """Show one dead letter: why it was refused, its headers, and its value in base64."""
    letter = _one(identifier)
    content = _summary(letter) | {
        "headers": {name: (data or b"").decode(errors="replace") for name, data in letter.headers},
        "value_base64": base64.b64encode(letter.value).decode(),
    }
    if as_json:
        typer.echo(json.dumps(content, indent=2))
        return
    table = Table(show_header=False)
    for name, text in content.items():
        shown = json.dumps(text, indent=2) if isinstance(text, dict) else str(text)
        table.add_row(name, shown if len(shown) < 2000 else f"{shown[:2000]}…")
    new_console().print(table)


@app.command()
def replay(
    identifier: Annotated[str | None, typer.Argument(help="One dead letter; else --topic")] = None,
    topic: Topic = None,
    reason: Reason = None,
    *,
    why: Annotated[str, typer.Option(help="Why; kept in the audit log, no personal data")],
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Send; without it, only say what")
    ] = False,
) -> None:
    """Send dead letters back to the topics they came from; a dry run unless --yes.

    Consumers deduplicate, so a record that has been taken meanwhile changes nothing. The dead letter
    itself stays until its topic's retention ends.
    """
    if identifier is None and topic is None:
        raise CommandError("name a dead letter (TOPIC/PARTITION/OFFSET) or a --topic")
    letters = [_one(identifier)] if identifier else _found(topic, reason)
    console = new_console()
    if identifier is None:
        # One that was cut must not keep the others from being sent.
        for cut in (one for one in letters if one.said("truncated_from")):
            console.print(f"{cut.id} is left out: it was too large to be kept whole")
        letters = [one for one in letters if not one.said("truncated_from")]
    records = [original(letter) for letter in letters]
    for letter, record in zip(letters, records, strict=True):
        console.print(f"{letter.id} → {record.topic} ({letter.said('reason')})")
    if not apply:
        console.print(f"{len(records)} would be sent; add --yes to send them")
        return
    announce("dead-letters.replay", [letter.id for letter in letters], why)
    operator().send(records)
    console.print(f"{len(records)} sent")


def _found(topic: str | None, reason: str | None) -> list[DeadLetter]:
    letters = dead_letters(operator(), topic)
    return [one for one in letters if reason in {None, one.said("reason")}]


def _one(identifier: str) -> DeadLetter:
    topic, _, rest = identifier.partition("/")
    if not is_dead_letter(topic) or not rest:
        raise CommandError("a dead letter is named TOPIC/PARTITION/OFFSET, as `list` shows it")
    found = (letter for letter in dead_letters(operator(), topic) if letter.id == identifier)
    letter = next(found, None)
    if letter is None:
        raise CommandError(f"there is no dead letter {identifier}")
    return letter


def _summary(letter: DeadLetter) -> dict[str, str | int]:
    said = ("reason", "detail", "topic", "partition", "offset", "refused_by", "refused_at")
    return {
        "id": letter.id,
        "bytes": len(letter.value),
        **{name: letter.said(name) for name in said},
    }
