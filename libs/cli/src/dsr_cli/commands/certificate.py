"""`dsr certificate`: what shows that a subject request was closed, as one file."""

from __future__ import annotations

import asyncio
import sys
import time
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import typer

from dsr_cli.api.client import ApiError, IntakeClient
from dsr_cli.connection import api_connection
from dsr_cli.errors import CommandError

__all__ = ["command", "fetch_certificate"]

_PATIENCE_S = 20.0
_PAUSE_S = 0.5


def command(
    request_id: Annotated[str, typer.Argument(help="The id that `submit` gave")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it; else it is printed")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Where to write the published keys as well")
    ] = None,
) -> None:
    """Fetch the certificate of a closed request: one file that `dsr verify` checks without a network.

    A request that has just closed is waited for until the log has it.
    """
    certificate, published = asyncio.run(_fetch(request_id, with_keys=keys is not None))
    if output is None:
        sys.stdout.buffer.write(certificate)
    else:
        _write(output, certificate)
        typer.echo(f"{output}: the certificate of {request_id}")
    if keys is not None:
        _write(keys, published)
        typer.echo(f"{keys}: the published keys", err=output is None)


async def fetch_certificate(client: IntakeClient, request_id: str) -> bytes:
    """Return a certificate, once the log has it; a request that is not closed is not waited for.

    Raises:
        ApiError: There is none.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return await client.certificate(request_id)
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT or time.monotonic() > deadline:
                raise
        await asyncio.sleep(_PAUSE_S)


async def _fetch(request_id: str, *, with_keys: bool) -> tuple[bytes, bytes]:
    async with IntakeClient(*api_connection()) as client:
        certificate = await fetch_certificate(client, request_id)
        return certificate, await client.evidence_keys() if with_keys else b""


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
