"""Ring keys: made and wrapped by a key service, kept in the database, and opened once a process.

A request's key is wrapped under a ring key in memory, so a request asks the service nothing (ADR 17).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from dsr_core.errors import RuleViolation, Unavailable
from dsr_intake.model import Ring, RingRow
from dsr_intake.ports import KeyService, RingStore

__all__ = ["SETTLED", "ServiceKeys"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SETTLED = timedelta(minutes=5)
"""So long after another key wraps, no process wraps under the one before any more.

A process reads the ring every 20 s, does not use one that is older than 60 s, and a statement of its
is given up after 30 s.
"""


class ServiceKeys:
    """The ring keys of one key service; keys that were given beside it unwrap, and never wrap."""

    def __init__(
        self,
        service: KeyService,
        store: RingStore,
        *,
        beside: Mapping[str, bytes],
        trusted_s: float,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Build it.

        Args:
            service: Wraps ring keys.
            store: Keeps them.
            beside: Keys from before there was a service, by name.
            trusted_s: How long an opened key is used without the service's word; what the service
                refuses by then is forgotten.
            clock: Tells the time of day.
            monotonic: Tells seconds.
        """
        self._service = service
        self._store = store
        self._beside = dict(beside)
        self._trusted_s = trusted_s
        self._clock = clock
        self._monotonic = monotonic
        self._opened: dict[str, tuple[bytes, float]] = {}
        self._has_loaded = False

    @property
    def name(self) -> str:
        """Which key of which service."""
        return self._service.name

    async def load(self) -> Ring:
        """Return the ring keys that the service opens.

        At the first call one is made where none is this service's; from then on another process
        may have gone on to another service, and this one stays with its own.
        """
        rows = await self._store.rows()
        if self._wrapping(rows) is None and not self._has_loaded:
            await self._make(after=rows[-1].kek_id if rows else None)
            rows = await self._store.rows()
        wrapping = self._wrapping(rows)
        if wrapping is None:
            raise Unavailable(f"a newer process has another key service than {self.name}")
        keys = dict(self._beside)
        for row in rows:
            key = await self._key(row, is_needed=row is wrapping)
            if key is not None:
                keys[row.kek_id] = key
        self._opened = {name: one for name, one in self._opened.items() if name in keys}
        self._has_loaded = True
        return Ring(current=wrapping.kek_id, keys=keys)

    async def renew(self) -> str:
        """Make a new ring key; where another process was first, its key is the new one."""
        rows = await self._store.rows()
        await self._make(after=rows[-1].kek_id if rows else None)
        return (await self._store.rows())[-1].kek_id

    async def destroy(self, kek_id: str) -> None:
        """Delete a retired ring key that wraps nothing."""
        before = self._clock() - SETTLED
        if not await self._store.destroy(kek_id, retired_before=before):
            minutes = int(SETTLED.total_seconds() // 60)
            detail = (
                f"{kek_id} is no ring key that retired {minutes} minutes ago or earlier and wraps "
                "nothing; `dsr keys status` says which wrap"
            )
            raise RuleViolation("key_in_use", detail)
        self._opened.pop(kek_id, None)

    def _wrapping(self, rows: list[RingRow]) -> RingRow | None:
        """Return the newest key, where it is this service's."""
        return rows[-1] if rows and rows[-1].service == self.name else None

    async def _make(self, *, after: str | None) -> None:
        kek_id = os.urandom(8).hex()
        key, wrapped = await self._service.make(kek_id)
        row = RingRow(
            kek_id=kek_id,
            service=self.name,
            wrapped=wrapped,
            made_at=self._clock(),
            retired_at=None,
        )
        if await self._store.add(row, after=after):
            self._opened[kek_id] = key, self._monotonic()
            log.info("a ring key was made", key_id=kek_id)

    async def _key(self, row: RingRow, *, is_needed: bool) -> bytes | None:
        """Return a ring key; the service is asked again at half of the time that it is trusted for."""
        key, since = self._opened.get(row.kek_id, (None, float("-inf")))
        age = self._monotonic() - since
        if key is not None and age < self._trusted_s / 2:
            return key
        try:
            opened = await self._service.open(row.kek_id, row.wrapped)
        except Unavailable as error:
            if key is not None and age < self._trusted_s:
                log.warning("a ring key is confirmed later", key_id=row.kek_id, error=str(error))
                return key
            self._opened.pop(row.kek_id, None)
            if is_needed:
                raise
            log.warning("a ring key cannot be opened", key_id=row.kek_id, error=str(error))
            return None
        self._opened[row.kek_id] = opened, self._monotonic()
        return opened
