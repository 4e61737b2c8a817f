"""`dsr system`: what an operator does for a system that subscribes."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dsr_cli.errors import CommandError
from dsr_cli.kafka.connect import operator
from dsr_cli.kafka.registry_topic import keys_records, read_book, successor
from dsr_wire.keys import SealingKey, SigningKey, SystemPublicKeys

app = typer.Typer(no_args_is_help=True, help="Systems that subscribe: their keys")
keys = typer.Typer(no_args_is_help=True, help="The public keys of a system")
app.add_typer(keys, name="keys")


@keys.command()
def register(
    file: Annotated[Path, typer.Argument(help="What `dsr-sdk keys public` printed")],
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Register; without it, only say what")
    ] = False,
) -> None:
    """Register a system's public keys, in place of those before; a dry run unless --apply.

    From then on notices are sealed to the new key, and its answers are checked with it. Answers that
    the five signing keys before it have signed stay good.
    """
    public = _read(file)
    what = f"{public.system_id}: signing key {public.signing.id}, sealing key {public.sealing.id}"
    admin = operator()
    public = successor(public, read_book(admin).keys(public.system_id))
    former = ", ".join(one.id for one in public.former_signing)
    what += f", former signing keys {former}" if former else ""
    if apply:
        admin.send(keys_records([public], datetime.now(UTC)))
        Console().print(f"registered {what}")
    else:
        Console().print(f"would register {what}; add --apply to do it")


def _read(file: Path) -> SystemPublicKeys:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return SystemPublicKeys(
            str(content["system_id"]),
            SigningKey(base64.b64decode(content["signing"], validate=True)),
            SealingKey(base64.b64decode(content["sealing"], validate=True)),
        )
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise CommandError(
            f"{file} does not hold public keys; `dsr-sdk keys public KEYS > {file}` writes them"
        ) from error
