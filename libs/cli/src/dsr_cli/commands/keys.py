"""`dsr keys`: the keys that wrap each request's own key, and rotating them while intake runs."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from dsr_cli.api.client import ApiError
from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import OFFICER, internal_connection
from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console

app = typer.Typer(no_args_is_help=True, help="The keys that wrap requests' keys")

_AT_ONCE = 500
_REFUSED = 409

KekId = Annotated[str, typer.Argument(help="As `status` shows it", metavar="KEY")]


@app.command()
def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False
) -> None:
    """Show the key-encryption keys: which wraps, and how much is wrapped under each.

    Exit code 1 where something is wrapped under a key that is not at hand.
    """
    found = InternalApi(internal_connection(OFFICER)).keys()
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        console = new_console()
        console.print(f"key-encryption keys from {found['source']}", soft_wrap=True)
        table = Table("key", "use", "requests", "oldest")
        for one in found["keks"]:
            table.add_row(one["kek_id"], _use(one), str(one["keys"]), one["oldest_at"] or "")
        console.print(table)
    unknown = [one["kek_id"] for one in found["keks"] if not one["is_known"]]
    if unknown:
        raise CommandError(
            f"not at hand: {', '.join(unknown)}; what is wrapped under it cannot be sealed until "
            "intake is given it back"
        )


@app.command()
def rotate(
    *,
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Do it; without it, only say what")
    ] = False,
) -> None:
    """Wrap every request's key under a new key-encryption key, while intake runs; a dry run unless --yes.

    With a key service a new ring key is made first. Where the keys are in a file, put the new one on
    its first line before. It can be broken off at any moment: called again, it goes on.
    """
    api = InternalApi(internal_connection(OFFICER))
    found = api.keys()
    left = _left(found)
    if not apply:
        new = "" if left else ", after a new one is made where a key service makes them"
        everything = left or sum(one["keys"] for one in found["keks"])
        new_console().print(f"would wrap {everything} keys anew{new}; add --yes to do it")
        return
    if not left:
        _renewed(api)
        left = _left(api.keys())
    done = _rewrapped(api, left)
    new_console().print(f"{done} keys were wrapped anew under {_wrapping(api.keys())}")
    _say_former(api.keys())


@app.command()
def destroy(
    kek_id: KekId,
    *,
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Do it; without it, only say what")
    ] = False,
) -> None:
    """Destroy a key-encryption key that wraps nothing any more; a dry run unless --yes.

    From then on nobody reads what was wrapped under it, in a backup or in the database's log.
    """
    api = InternalApi(internal_connection(OFFICER))
    one = next((one for one in api.keys()["keks"] if one["kek_id"] == kek_id), None)
    if one is None:
        raise CommandError(f"no key {kek_id} is on the ring; `dsr keys status` shows them")
    if not apply:
        new_console().print(
            f"would destroy {kek_id}, which wraps {one['keys']} keys; add --yes to do it"
        )
        return
    api.destroy_key(kek_id)
    new_console().print(f"{kek_id} is destroyed")


def _renewed(api: InternalApi) -> None:
    try:
        new_console().print(f"{api.renew_key()} wraps from now on")
    except ApiError as error:
        if error.status != _REFUSED:
            raise
        # People make these keys. Nothing to wrap anew means that the first of them is no new one.
        raise CommandError(f"nothing is wrapped under a former key: {error}") from error


def _rewrapped(api: InternalApi, left: int) -> int:
    done = 0
    columns = (
        TextColumn("wrapping anew"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=new_console()) as progress:
        task = progress.add_task("", total=left)
        while left:
            step = api.rewrap_keys(_AT_ONCE)
            if not step["done"] and step["left"] == left:
                raise CommandError(
                    f"{left} keys are locked by somebody else; call it again, and it goes on"
                )
            done, left = done + step["done"], step["left"]
            progress.update(task, completed=done, total=done + left)
    return done


def _say_former(found: dict[str, Any]) -> None:
    former = [one["kek_id"] for one in found["keks"] if not one["wraps"] and not one["keys"]]
    if former:
        new_console().print(
            f"former keys wrap nothing: {', '.join(former)}. Once they are destroyed, old backups "
            "and logs of the database cannot be read: `dsr keys destroy KEY --yes` in five "
            "minutes, or take them out of the file",
            soft_wrap=True,
        )


def _left(found: dict[str, Any]) -> int:
    return sum(one["keys"] for one in found["keks"] if one["is_known"] and not one["wraps"])


def _wrapping(found: dict[str, Any]) -> str:
    return str(next(one["kek_id"] for one in found["keks"] if one["wraps"]))


def _use(one: dict[str, Any]) -> str:
    if not one["is_known"]:
        return "NOT AT HAND"
    return "wraps" if one["wraps"] else "unwraps"
