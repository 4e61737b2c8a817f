"""Temporal: a client that waits for the server."""

from __future__ import annotations

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from dsr_runtime.backoff import Backoff

__all__ = ["connect"]

log = structlog.get_logger(__name__)


async def connect(address: str, *, namespace: str) -> Client:
    """Return a connected client, waiting for the server as long as it takes."""
    backoff = Backoff()
    while True:
        try:
            return await Client.connect(address, namespace=namespace)
        except (RPCError, RuntimeError) as error:
            log.warning("temporal is away", error=type(error).__name__)
            await backoff.wait()
