"""The demonstration's evidence: one certificate and the published keys, left in the data folder."""

from __future__ import annotations

import asyncio

from dsr_cli.api.client import IntakeClient
from dsr_cli.commands.certificate import fetch_certificate
from dsr_cli.errors import CommandError
from dsr_cli.group.bring_up import api_key
from dsr_cli.stack import Stack
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.verifying import verify

__all__ = ["leave_certificate"]


def leave_certificate(stack: Stack, request_id: str) -> str:
    """Fetch the certificate of a closed request, check it, and leave it; return one line about it.

    Raises:
        CommandError: A check does not hold.
    """
    certificate, keys = asyncio.run(_fetch(stack, request_id))
    report = verify(certificate, PublishedKeys.from_bytes(keys))
    if not report.is_good:
        faults = "; ".join(f"{one.part}: {one.text}" for one in report.failures)
        raise CommandError(f"the certificate of {request_id} does not hold: {faults}")
    folder = stack.settings.data_dir
    paths = folder / "certificate.json", folder / "evidence-keys.json"
    for path, data in zip(paths, (certificate, keys), strict=True):
        path.write_bytes(data)
    return f"A certificate holds without a network: dsr verify {paths[0]} --keys {paths[1]}"


async def _fetch(stack: Stack, request_id: str) -> tuple[bytes, bytes]:
    async with IntakeClient(stack.settings.intake_url, api_key(stack)) as client:
        certificate = await fetch_certificate(client, request_id)
        return certificate, await client.evidence_keys()
