"""`dsr keys`: the keys that wrap each request's own key, and rotating them while intake runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
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
Reason = Annotated[str, typer.Option(help="Why; kept in the audit log, so no personal data")]


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
        console.print("lookup keys, by which persons are found again")
        table = Table("key", "use", "open requests", "ended requests", "holds on persons")
        for one in found["lookup_keys"]:
            numbers = (str(one[name]) for name in ("open", "ended", "holds"))
            table.add_row(one["key_id"], _lookup_use(one), *numbers)
        console.print(table)
    unknown = [one["kek_id"] for one in found["keks"] if not one["is_known"]]
    if unknown:
        raise CommandError(
            f"not at hand: {', '.join(unknown)}; what is wrapped under it cannot be sealed until "
            "intake is given it back"
        )
    missed = [one["key_id"] for one in found["lookup_keys"] if _is_missed(one)]
    if missed:
        raise CommandError(
            f"lookup keys not at hand: {', '.join(missed)}; whom only they find is not found again"
        )


@app.command()
def rotate(
    *,
    reason: Reason,
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Do it; without it, only say what")
    ] = False,
) -> None:
    """Wrap every request's key under a new key-encryption key, while intake runs; a dry run unless --yes.

    With a key service a new ring key is made first. Where the keys are in a file, put the new one on
    its first line before; so with a lookup key, whose hashes are made anew of whom is not answered.
    It can be broken off at any moment: called again, it goes on.
    """
    api = InternalApi(internal_connection(OFFICER))
    found = api.keys()
    left, to_hash = _left(found), _to_hash(found)
    if not apply:
        new = "" if left else ", after a new one is made where a key service makes them"
        everything = left or sum(one["keys"] for one in found["keks"])
        hashes = f" and hash {to_hash} requests anew" if to_hash else ""
        new_console().print(f"would wrap {everything} keys anew{new}{hashes}; add --yes to do it")
        return
    hashed = (
        _all_done("hashing anew", to_hash, partial(api.rehash, reason=reason)) if to_hash else 0
    )
    if hashed:
        new_console().print(f"{hashed} requests were hashed anew")
    if not left:
        _renewed(api, reason=reason, is_needed=not hashed)
        left = _left(api.keys())
    done = _all_done("wrapping anew", left, partial(api.rewrap_keys, reason=reason))
    new_console().print(f"{done} keys were wrapped anew under {_wrapping(api.keys())}")
    _say_former(api.keys())


@app.command()
def destroy(
    kek_id: KekId,
    *,
    reason: Reason,
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
    api.destroy_key(kek_id, reason=reason)
    new_console().print(f"{kek_id} is destroyed")


def _renewed(api: InternalApi, *, reason: str, is_needed: bool) -> None:
    try:
        new_console().print(f"{api.renew_key(reason=reason)} wraps from now on")
    except ApiError as error:
        if error.status != _REFUSED:
            raise
        # People make these keys. Nothing to wrap anew means that the first of them is no new one.
        if is_needed:
            raise CommandError(f"nothing is wrapped under a former key: {error}") from error


def _all_done(what: str, left: int, step: Callable[[int], dict[str, Any]]) -> int:
    done = 0
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=new_console()) as progress:
        task = progress.add_task("", total=left)
        while left:
            made = step(_AT_ONCE)
            if not made["done"] and made["left"] == left:
                raise CommandError(
                    f"{left} requests are locked by somebody else; call it again, and it goes on"
                )
            done, left = done + made["done"], made["left"]
            progress.update(task, completed=done, total=done + left)
    return done


def _say_former(found: dict[str, Any]) -> None:
    former = [one["kek_id"] for one in found["keks"] if not one["wraps"] and not one["keys"]]
    if former:
        new_console().print(
            f"former keys wrap nothing: {', '.join(former)}. Once they are destroyed, old backups "
            "and logs of the database cannot be read: `dsr keys destroy KEY --reason TEXT --yes` in "
            "five minutes, or take them out of the file",
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


def _to_hash(found: dict[str, Any]) -> int:
    return sum(one["open"] for one in found["lookup_keys"] if not one["makes"])


def _is_missed(one: dict[str, Any]) -> bool:
    return not one["is_known"] and bool(one["open"] or one["ended"] or one["holds"])


def _lookup_use(one: dict[str, Any]) -> str:
    if not one["is_known"]:
        return "NOT AT HAND" if _is_missed(one) else "gone"
    return "makes hashes" if one["makes"] else "finds"
