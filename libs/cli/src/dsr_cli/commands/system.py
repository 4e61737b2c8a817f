"""`dsr system`: what an operator does for a system that subscribes."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dsr_cli.announcing import announce
from dsr_cli.connection import internal_connection
from dsr_cli.errors import CommandError
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.connect import operator
from dsr_cli.kafka.registry_topic import keys_records, read_book, successor
from dsr_cli.kafka.registry_topic import revoke as revoke_key
from dsr_cli.view.console import new_console
from dsr_core.errors import RejectedInput
from dsr_wire.keys import Revocation, SystemPublicKeys
from dsr_wire.possession import Proof, check_proof, read_key_request
from dsr_wire.possession import challenge as make_challenge

app = typer.Typer(no_args_is_help=True, help="Systems that subscribe: their keys")
keys = typer.Typer(no_args_is_help=True, help="The public keys of a system")
app.add_typer(keys, name="keys")

SystemId = Annotated[str, typer.Argument(help="The system's id in the registry", metavar="SYSTEM")]


@keys.command()
def challenge(
    file: Annotated[Path, typer.Argument(help="What `dsr-sdk keys new` or `rotate` printed")],
) -> None:
    """Print a challenge to whoever wants keys registered, which `dsr-sdk keys prove` answers.

    Only the holder of both private keys can answer it, within a week. It may be seen by anybody.
    """
    with _told(file):
        public = read_key_request(_text(file))
        typer.echo(make_challenge(public, key=_challenge_key(), at=datetime.now(UTC)))


@keys.command()
def register(
    file: Annotated[Path, typer.Argument(help="What `dsr-sdk keys prove` printed")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log, no personal data")],
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Register; without it, only say what")
    ] = False,
) -> None:
    """Register the first keys of a system, which has proved that it holds them; a dry run unless --yes.

    From then on notices are sealed to its sealing key, and its answers are checked with its signing key.
    """
    admin, proof = operator(), _proof(file)
    present = read_book(admin).keys(proof.public.system_id)
    if present is not None and not _are_the_same(proof.public, present):
        raise CommandError(
            f"{present.system_id} has keys already: `dsr system keys rotate` replaces them"
        )
    _register(admin, proof.public, present, reason=reason, apply=apply)


@keys.command()
def rotate(
    file: Annotated[Path, typer.Argument(help="What `dsr-sdk keys prove` printed")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log, no personal data")],
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Register; without it, only say what")
    ] = False,
) -> None:
    """Replace a system's keys, as its present signing key agrees to; a dry run unless --yes.

    From then on notices are sealed to the new key. Answers that the five signing keys before it have
    signed stay good. Where the present key is lost or has leaked, revoke it first: then it has no say.
    """
    admin, proof = operator(), _proof(file)
    present = _registered(admin, proof.public.system_id)
    is_revoked = present.revocation(present.signing.id) is not None
    is_again = _are_the_same(proof.public, present)
    if not (is_revoked or is_again or proof.is_agreed_by(present)):
        raise CommandError(
            f"the present signing key {present.signing.id} of {present.system_id} has not signed it; "
            "where it is lost, revoke it first"
        )
    _register(admin, proof.public, present, reason=reason, apply=apply)


@keys.command("list")
def list_(
    system_id: SystemId,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """List the registered keys of a system: what each is for, and since when one is revoked."""
    found = _registered(operator(), system_id)
    rows = [_row(key_id, use, found.revocation(key_id)) for key_id, use in _uses(found)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table("key", "use", "revoked from", "why")
    for row in rows:
        table.add_row(*(str(row[name] or "") for name in ("key_id", "use", "revoked_at", "reason")))
    new_console().print(table)


@keys.command()
def revoke(
    system_id: SystemId,
    key_id: Annotated[str, typer.Argument(help="Of a signing key, as `list` shows it")],
    *,
    reason: Annotated[str, typer.Option(help="Why; everybody reads it, so no personal data")],
    at: Annotated[
        str | None,
        typer.Option(help="From when on, with an offset: 2026-03-02T09:30:00Z; else now"),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Revoke; without it, only say what")
    ] = False,
) -> None:
    """Revoke a signing key that has leaked; a dry run unless --yes.

    Answers that it signed and that are received from then on are refused. Those received before stay
    good, and what they closed stays closed. Revoking a key again can only move the time back.
    """
    now = datetime.now(UTC)
    revocation = Revocation(key_id, _time(at) if at else now, reason.strip())
    if revocation.revoked_at > now:
        raise CommandError("a key is revoked from a time on that has come; --at lies ahead")
    if not revocation.reason:
        raise CommandError("say why, for whoever asks later: --reason")
    admin = operator()
    present = _registered(admin, system_id)
    try:
        changed = revoke_key(present, revocation)
    except RejectedInput as error:
        raise CommandError(
            f"{error.detail}; `dsr system keys list {system_id}` shows them"
        ) from error
    earlier = present.revocation(key_id)
    if earlier is not None and changed == present:
        since = earlier.revoked_at.isoformat()
        new_console().print(f"{system_id}: signing key {key_id} is revoked from {since} on already")
        return
    what = f"{system_id}: signing key {key_id}, from {revocation.revoked_at.isoformat()} on"
    if apply:
        targets = [system_id, key_id]
        announce("system-keys.revoke", targets, revocation.reason)
        admin.send(keys_records([changed], now))
        new_console().print(f"revoked {what}")
    else:
        new_console().print(f"would revoke {what}; add --yes to do it")
    if key_id == present.signing.id:
        new_console().print(
            f"{system_id} has no other key to answer with: `dsr system keys rotate` registers new ones"
        )


def _register(
    admin: KafkaAdmin,
    public: SystemPublicKeys,
    present: SystemPublicKeys | None,
    *,
    reason: str,
    apply: bool,
) -> None:
    public = successor(public, present)
    if public.revocation(public.signing.id) is not None:
        raise CommandError(
            f"signing key {public.signing.id} of {public.system_id} is revoked; "
            "make new keys with `dsr-sdk keys new`"
        )
    what = (
        f"{public.system_id}: signing key {public.signing.id}, "
        f"sealing key {public.sealing.id} ({public.sealing.algorithm})"
    )
    former = ", ".join(one.id for one in public.former_signing)
    what += f", former signing keys {former}" if former else ""
    if apply:
        announce("system-keys.register", [public.system_id, public.signing.id], reason)
        admin.send(keys_records([public], datetime.now(UTC)))
        new_console().print(f"registered {what}")
    else:
        new_console().print(f"would register {what}; add --yes to do it")


def _are_the_same(one: SystemPublicKeys, present: SystemPublicKeys) -> bool:
    return (one.signing, one.sealing) == (present.signing, present.sealing)


def _registered(admin: KafkaAdmin, system_id: str) -> SystemPublicKeys:
    found = read_book(admin).keys(system_id)
    if found is None:
        raise CommandError(f"no keys are registered for {system_id}")
    return found


def _uses(found: SystemPublicKeys) -> Iterator[tuple[str, str]]:
    yield found.signing.id, "signs"
    yield from ((one.id, "has signed") for one in found.former_signing)
    known = {found.signing.id, *(one.id for one in found.former_signing)}
    yield from ((one.key_id, "dropped") for one in found.revoked if one.key_id not in known)
    yield found.sealing.id, "is sealed to"


def _row(key_id: str, use: str, revoked: Revocation | None) -> dict[str, str | None]:
    return {
        "key_id": key_id,
        "use": use,
        "revoked_at": revoked.revoked_at.isoformat() if revoked else None,
        "reason": revoked.reason if revoked else None,
    }


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is no time: write it as 2026-03-02T09:30:00Z") from error
    if at.tzinfo is None:
        raise CommandError(f"{text} has no offset: write it as 2026-03-02T09:30:00Z")
    return at.astimezone(UTC)


def _proof(file: Path) -> Proof:
    with _told(file):
        return check_proof(_text(file), key=_challenge_key(), at=datetime.now(UTC))


def _challenge_key() -> bytes:
    """Return what an operator knows a challenge by: the credential that it was made with."""
    token = internal_connection().token.encode()
    return hmac.digest(token, b"dsr.v1.KeyChallenge", "sha256")


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except RejectedInput as error:
        raise CommandError(f"{file}: {error.detail}") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise CommandError(f"{file} is no text") from None
