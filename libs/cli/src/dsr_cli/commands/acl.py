"""`dsr acl`: who may do what in Kafka, by the topic table and the registry."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table

from dsr_cli.announcing import announce
from dsr_cli.errors import CommandError
from dsr_cli.group.access import is_ours
from dsr_cli.group.access_plan import (
    ORGANISATION_QUOTA,
    Changes,
    differences,
    intended,
    organisation_quota,
    present,
)
from dsr_cli.group.access_plan import apply as make
from dsr_cli.kafka.access import Entry
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.connect import operator
from dsr_cli.kafka.protocol import require_view_of_rights
from dsr_cli.kafka.strimzi import user_resources
from dsr_cli.kafka.users import set_passwords, users
from dsr_cli.registry.load import load_registry
from dsr_cli.stack.access import secret_name
from dsr_cli.stack.secret_store import SecretStore
from dsr_cli.view.console import new_console

DIFFERS = 2
"""What a command exits with where Kafka is not as it should be, and is left so."""

app = typer.Typer(
    no_args_is_help=True, help="Kafka's logins and rights: plan, apply, password, strimzi"
)

Folder = Annotated[Path, typer.Argument(help="The registry's folder")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit log, no personal data")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without it, only say what")]
Passwords = Annotated[
    Path | None,
    typer.Option(
        help="A folder with a file for each login's password; made for new logins, for their owner alone"
    ),
]
Sends = Annotated[
    float,
    typer.Option(
        min=1,
        envvar="DSR_KAFKA_ORGANISATION_SENDS",
        help="Bytes that an organisation may send in a second, to each broker",
    ),
]
Fetches = Annotated[
    float,
    typer.Option(
        min=1,
        envvar="DSR_KAFKA_ORGANISATION_FETCHES",
        help="Bytes that an organisation may fetch in a second, from each broker",
    ),
]
_SENDS = ORGANISATION_QUOTA["producer_byte_rate"]
_FETCHES = ORGANISATION_QUOTA["consumer_byte_rate"]


@app.command()
def plan(
    folder: Folder = Path("registry"),
    *,
    sends: Sends = _SENDS,
    fetches: Fetches = _FETCHES,
    as_json: Json = False,
) -> None:
    """Show how Kafka's logins, rights and quotas differ from what they should be.

    Exits with 0 where they do not differ, and with 2 where they do.
    """
    changes = _changes(operator(), folder, sends, fetches)
    _show(changes, as_json=as_json)
    if changes:
        raise typer.Exit(DIFFERS)


@app.command()
def apply(
    folder: Folder = Path("registry"),
    *,
    sends: Sends = _SENDS,
    fetches: Fetches = _FETCHES,
    passwords: Passwords = None,
    reason: Reason,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Have Kafka's logins, rights and quotas as they should be; a dry run unless --yes.

    An organisation that has left the registry loses its rights, its quota and its login. Logins that
    are not of the group are left alone, and so is what forbids something.
    """
    admin = operator()
    changes = _changes(admin, folder, sends, fetches)
    if yes and changes.new_users and passwords is None:
        raise CommandError(
            f"{', '.join(sorted(changes.new_users))} need passwords: name a folder with --passwords"
        )
    _show(changes, as_json=as_json)
    if not changes:
        return
    if not yes:
        if not as_json:
            typer.echo("add --yes to do it")
        raise typer.Exit(DIFFERS)
    announce("acl.apply", sorted(changes.new_users), reason)
    # Never asked for a password where no folder is given: there is no new login then.
    store = SecretStore(passwords or Path())
    make(admin, changes, lambda user: store.secret(secret_name(user)))
    if not as_json:
        typer.echo("done")


@app.command()
def password(
    login: Annotated[str, typer.Argument(help="The login, as `dsr acl plan` names it")],
    *,
    passwords: Annotated[Path, typer.Option(help="The folder with the passwords' files")],
    reason: Reason,
    yes: Yes = False,
) -> None:
    """Give a login another password, and write it to its file; a dry run unless --yes.

    Connections that stand go on; whoever connects anew needs the new one.
    """
    admin = operator()
    require_view_of_rights(admin)
    client = admin.client()
    if not is_ours(login) or login not in users(client):
        raise CommandError(f"there is no login {login} of the group; `dsr acl apply` makes them")
    file = passwords / secret_name(login)
    if not yes:
        typer.echo(f"{login} would get another password, in {file}; add --yes to do it")
        return
    announce("acl.password", [login], reason)
    # Written first: a password that Kafka has and nobody knows would shut its owner out.
    new = secrets.token_urlsafe(24)
    waiting = file.with_name(f"{file.name}.new")
    passwords.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(new)
    set_passwords(client, {login: new})
    waiting.replace(file)
    typer.echo(f"{login} has another password, in {file}")


@app.command()
def strimzi(
    folder: Folder = Path("registry"),
    *,
    cluster: Annotated[str, typer.Option(help="The name of the Kafka resource")],
    namespace: Annotated[str | None, typer.Option(help="Its namespace")] = None,
    sends: Sends = _SENDS,
    fetches: Fetches = _FETCHES,
) -> None:
    """Print a KafkaUser for each login with its rights and quotas, for `kubectl apply`; asks nobody."""
    wanted = intended(load_registry(folder), organisation_quota(sends=sends, fetches=fetches))
    found = user_resources(
        wanted.users, wanted.entries, dict(wanted.quotas), cluster=cluster, namespace=namespace
    )
    typer.echo(yaml.safe_dump_all(found, sort_keys=False), nl=False)


def _changes(admin: KafkaAdmin, folder: Path, sends: float, fetches: float) -> Changes:
    quota = organisation_quota(sends=sends, fetches=fetches)
    return differences(intended(load_registry(folder), quota), present(admin))


def _show(changes: Changes, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_as_json(changes), indent=2))
        return
    if changes:
        table = Table("", "login", "what")
        for sign, login, what in _rows(changes):
            table.add_row(sign, login, what)
        new_console().print(table)
    else:
        typer.echo("nothing to do: Kafka's logins, rights and quotas are as they should be")
    if changes.left_alone:
        typer.echo(
            f"{len(changes.left_alone)} entries are left alone: not the group's, or forbidding"
        )


def _rows(changes: Changes) -> list[tuple[str, str, str]]:
    return [
        *(("+", name, "login") for name in sorted(changes.new_users)),
        *(("+", one.user, _words(one)) for one in sorted(changes.granted)),
        *(
            ("-" if limit is None else "~", name, _limit(kind, limit))
            for name, limits in sorted(changes.quotas.items())
            for kind, limit in sorted(limits.items())
        ),
        *(("-", one.user, _words(one)) for one in sorted(changes.revoked)),
        *(("-", name, "login") for name in sorted(changes.removed_users)),
    ]


def _words(one: Entry) -> str:
    star = "*" if one.pattern == "prefixed" else ""
    place = "" if one.host == "*" else f" from {one.host}"
    return f"{one.operation} {one.resource} {one.name}{star}{place}"


def _limit(kind: str, limit: float | None) -> str:
    return f"quota {kind}" if limit is None else f"quota {kind} {limit:.0f} bytes/s"


def _as_json(changes: Changes) -> dict[str, Any]:
    def rights(entries: frozenset[Entry]) -> list[dict[str, str]]:
        return [
            {
                "login": one.user,
                "permission": one.permission,
                "operation": one.operation,
                "resource": one.resource,
                "pattern": one.pattern,
                "name": one.name,
                "host": one.host,
            }
            for one in sorted(entries)
        ]

    return {
        "differs": bool(changes),
        "new_logins": sorted(changes.new_users),
        "granted": rights(changes.granted),
        "quotas": {name: dict(limits) for name, limits in sorted(changes.quotas.items())},
        "revoked": rights(changes.revoked),
        "removed_logins": sorted(changes.removed_users),
        "left_alone": rights(changes.left_alone),
    }
