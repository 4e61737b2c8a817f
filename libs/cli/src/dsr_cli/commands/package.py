"""`dsr package`: the package of an access request, and an operator's decisions about its links."""

from __future__ import annotations

import asyncio
import base64
import json
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import typer

from dsr_cli.api.client import ApiError, IntakeClient
from dsr_cli.api.internal import InternalApi
from dsr_cli.commands.verify import report_json, report_text
from dsr_cli.connection import api_connection, internal_connection
from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console
from dsr_cli.view.packages import package_view
from dsr_wire.packages.checking import check_package

app = typer.Typer(
    no_args_is_help=True, help="Packages for access: show, verify, release, accept, link, revoke"
)

_RequestId = Annotated[str, typer.Argument(help="The access request")]
_Reason = Annotated[str, typer.Option(help="Why; kept, so no personal data")]
_Apply = Annotated[bool, typer.Option("--yes", "--apply", help="Decide; without it, only say what")]

_NOT_ACCEPTABLE = {
    "open": "the request is open, so more may come",
    "being_made": "it is being made, so what it will lack is not known",
    "settled": "no erasure waits for it",
}


@app.callback()
def group() -> None:
    """Packages for access: show, verify, release, accept, link, revoke."""


@app.command()
def show(
    request_id: _RequestId,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Show how the package of a request stands, its links and its way to a callback; no link itself is kept."""
    found = InternalApi(internal_connection()).package(request_id)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    new_console().print(package_view(found))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The package, as it was downloaded")],
    *,
    keys: Annotated[
        Path | None,
        typer.Option(help="The published keys, from a source that you trust: /v1/package-keys"),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="DSR_INTAKE_URL",
            help="The API that the published keys are fetched from, where none are given",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Check a package: its signature, every byte of every file, and that nothing else is in it.

    A line a check: \u2713 holds, \u2717 does not, ? cannot be checked. Exit code 1 where one does not hold.
    With --keys, or without either, nothing is asked of anybody: it works without a network.
    """
    published = _published(keys, url)
    try:
        with file.open("rb") as content:
            report = check_package(content, published)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    typer.echo(report_json(report) if as_json else report_text(report))
    if not report.is_good:
        raise typer.Exit(1)


@app.command()
def release(request_id: _RequestId, *, reason: _Reason, apply: _Apply = False) -> None:
    """Hand over what is there of an open request; the rest follows. A dry run unless --yes.

    Past the legal date this happens by itself. A package that was set aside is tried again.
    """
    api = InternalApi(internal_connection())
    is_again = _is_set_aside(api, request_id)
    state = api.request(request_id)["state"]
    if state != "open" and not is_again:
        raise CommandError(
            f"{request_id} is {state}: a package is made of what is there while it is open"
        )
    if not apply:
        what = "tried again" if is_again else "made of what is there"
        typer.echo(f"a package would be {what} for {request_id}; add --yes to do it")
        return
    api.decide_package(request_id, "release", reason=reason)
    typer.echo(
        f"the package of {request_id} is tried again"
        if is_again
        else f"a package is made of what is there for {request_id}; the rest follows in a second one"
    )


@app.command()
def accept(request_id: _RequestId, *, reason: _Reason, apply: _Apply = False) -> None:
    """Accept what a package lacks: erasures of the same person wait for it no more. A dry run unless --yes.

    What the systems erase then can be asked for by nobody any more.
    """
    api = InternalApi(internal_connection())
    found = api.package(request_id)
    if found["not_acceptable"]:
        why = _NOT_ACCEPTABLE.get(found["not_acceptable"], found["not_acceptable"])
        raise CommandError(f"the package of {request_id} cannot be accepted: {why}")
    if not apply:
        lacks = ", ".join(sorted(found["missing"])) or "nothing that is known"
        lacks = lacks if found["set_aside_at"] is None else "everything, since it was not made"
        typer.echo(f"the package of {request_id} would be accepted; it lacks: {lacks}")
        typer.echo("add --yes to do it")
        return
    api.decide_package(request_id, "accept", reason=reason)
    typer.echo(f"the package of {request_id} is accepted: erasures of the person go on")


@app.command()
def link(request_id: _RequestId, *, reason: _Reason, apply: _Apply = False) -> None:
    """Mail a new link to the requester; those before do not work any more. A dry run unless --yes."""
    api = InternalApi(internal_connection())
    _require_ready(api, request_id)
    if not apply:
        typer.echo(f"a new link would be mailed for {request_id}; add --yes to do it")
        return
    api.decide_package(request_id, "link", reason=reason)
    typer.echo(f"a new link to the package of {request_id} is on its way")


@app.command()
def revoke(request_id: _RequestId, *, reason: _Reason, apply: _Apply = False) -> None:
    """Revoke the links to a package, and send it to no callback; `link` mails another. A dry run unless --yes."""
    api = InternalApi(internal_connection())
    _require_ready(api, request_id)
    if not apply:
        typer.echo(f"the links of {request_id} would be revoked; add --yes to do it")
        return
    api.decide_package(request_id, "revoke", reason=reason)
    typer.echo(f"the links to the package of {request_id} are revoked")


def _published(path: Path | None, url: str | None) -> set[bytes] | None:
    if path is not None:
        try:
            return _keys(path.read_bytes(), str(path))
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
    return _keys(asyncio.run(_fetched(url)), url) if url else None


async def _fetched(url: str) -> bytes:
    async with IntakeClient(*api_connection(url)) as client:
        return await client.package_keys()


def _keys(content: bytes, source: str) -> set[bytes]:
    try:
        return {base64.b64decode(one["public_key"]) for one in json.loads(content)["keys"]}
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{source} holds no published keys of packages") from error


def _is_set_aside(api: InternalApi, request_id: str) -> bool:
    try:
        return api.package(request_id).get("set_aside_at") is not None
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return False
        raise


def _require_ready(api: InternalApi, request_id: str) -> None:
    state = api.package(request_id)["state"]
    if state != "ready":
        raise CommandError(f"the package of {request_id} is {state}")
