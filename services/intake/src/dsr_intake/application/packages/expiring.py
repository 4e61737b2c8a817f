"""Expiring: after its time a package is deleted with all that it was made of, and its key destroyed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from dsr_core.ids import RequestId
from dsr_intake.application.clock import Clock
from dsr_intake.application.packages.assembling import package_path
from dsr_intake.metrics import Metrics
from dsr_intake.ports import ObjectStore, PackageStore
from dsr_wire.exports.parts import prefix

__all__ = ["Expiring"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_TOGETHER = 20

_UNUSED_FOR = timedelta(days=1)
"""So old is a key at least whose request has ended without a package: notices may still be on their way."""


class Expiring:
    """Destroys what is over; safe to repeat, and for several processes at once."""

    def __init__(
        self, *, store: PackageStore, objects: ObjectStore, metrics: Metrics, clock: Clock
    ) -> None:
        self._store = store
        self._objects = objects
        self._metrics = metrics
        self._clock = clock

    async def work(self) -> int:
        """Destroy some of what is over; return how many requests that was.

        Raises:
            Unavailable: The database or the object store is away.
        """
        now = self._clock()
        over = await self._store.over(at=now, unused_since=now - _UNUSED_FOR, limit=_TOGETHER)
        for request_id in over:
            await self._destroy(request_id)
        if over:
            self._metrics.packages.labels("expired").inc(len(over))
        return len(over)

    async def _destroy(self, request_id: RequestId) -> None:
        # The objects first: who has died between the two finds the request again.
        for folder in (package_path(request_id), prefix(request_id)):
            await asyncio.to_thread(self._objects.delete_all, folder)
        await self._store.destroy(request_id)
        log.info("a package is over", request_id=request_id)

    async def standing(self) -> None:
        """Measure what waits to be made, and what is set aside.

        Raises:
            Unavailable: The database is away.
        """
        found = await self._store.standing()
        age = 0.0 if found.oldest is None else (self._clock() - found.oldest).total_seconds()
        self._metrics.packages_waiting.set(found.waiting)
        self._metrics.packages_set_aside.set(found.set_aside)
        self._metrics.packages_age.set(max(age, 0.0))
