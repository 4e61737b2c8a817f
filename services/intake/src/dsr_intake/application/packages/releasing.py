"""Releasing: what is there of an open request is handed over before the rest has come.

At the legal date a person has a right to what is there, and does not wait for the slowest system; an
operator may decide so sooner. The request stays open, and what is late follows in a second package.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson
import structlog

from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_intake.application.clock import Clock
from dsr_intake.application.packages.wanting import exports_in
from dsr_intake.ports import Ledger, PackageStore

__all__ = ["Releasing"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_TOGETHER = 20


class Releasing:
    """Wants partial packages; safe to repeat, and for several processes at once."""

    def __init__(
        self,
        *,
        store: PackageStore,
        ledger: Ledger,
        clock: Clock,
        on_committed: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._on_committed = on_committed
        self._after: RequestId | None = None

    async def work(self) -> int:
        """Release some of what is past its legal date; return how many requests that was.

        Each call looks at others, since those of which nothing is there stay.

        Raises:
            Unavailable: The database or the verifier is away.
        """
        now = self._clock()
        late = await self._store.late(at=now, after=self._after, limit=_TOGETHER)
        self._after = late[-1] if len(late) == _TOGETHER else None
        released = 0
        for request_id in late:
            said = await self._said(request_id)
            if said is not None and await self._store.release(request_id, said, at=now):
                released += 1
                log.warning("a package is made of what is there", request_id=request_id)
        if released:
            self._on_committed()
        return released

    async def release(self, request_id: RequestId, *, reason: str) -> None:
        """Have a package made of what is there, for a reason, which is entered in the audit log.

        One that was set aside is tried again, whatever it is made of.

        Raises:
            RuleViolation: It is no open request that hands over, has a package, or nothing is there.
            Unavailable: The database or the verifier is away.
        """
        if await self._store.try_again(request_id, at=self._clock(), reason=reason):
            self._on_committed()
            return
        said = await self._said(request_id)
        if said is None:
            raise RuleViolation("nothing_delivered", "no system has handed anything over yet")
        if not await self._store.release(request_id, said, at=self._clock(), reason=reason):
            detail = (
                "it is no open request that hands data over, or a package was made of it before"
            )
            raise RuleViolation("not_releasable", detail)
        self._on_committed()

    async def _said(self, request_id: RequestId) -> str | None:
        document = await self._ledger.obligations(request_id)
        if document is None or not exports_in(document):
            return None
        return orjson.dumps(document).decode()
