"""dsr.registry.v1: a newer version of the registry is told to every cohort that is open."""

from __future__ import annotations

import asyncio

import structlog

from dsr_core.errors import Unavailable
from dsr_fanout.ports import Registries, Workflows
from dsr_runtime.backoff import Backoff

__all__ = ["RegistryWatcher"]

log = structlog.get_logger(__name__)

_LOOK_S = 2.0
"""How long a look waits for a newer version, and so how long `stop` may wait."""


class RegistryWatcher:
    """Has open cohorts told of each newest version, by a workflow of its own."""

    def __init__(self, *, registries: Registries, workflows: Workflows) -> None:
        self._registries = registries
        self._workflows = workflows
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Watch until `stop`; a version that was told already is not told again."""
        told, backoff = "", Backoff()
        while not self._stopping.is_set():
            digest = await self._registries.changed(told, within_s=_LOOK_S)
            if digest is None:
                continue
            try:
                is_new = await self._workflows.replan(await self._registries.newest())
            except Unavailable as error:
                log.warning("open cohorts are not told of the registry", reason=str(error))
                await backoff.wait(self._stopping)
                continue
            told, backoff = digest, Backoff()
            if is_new:
                log.info("open cohorts are told of the registry", registry_digest=digest[:16])

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()
