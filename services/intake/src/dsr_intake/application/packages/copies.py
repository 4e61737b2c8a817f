"""Copies: an erasure of the same person goes on once the package is whole, or somebody accepts what it lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_intake.application.clock import Clock
from dsr_intake.application.copying import copies_settled
from dsr_intake.application.packages.assembling import SystemAssembly
from dsr_intake.model.packages import Hindrance
from dsr_intake.ports import CopyStore

__all__ = ["Copies", "lacks_nothing"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_TOGETHER = 100

_IN_THE_WAY = {
    Hindrance.OPEN: "the request is open: more may come",
    Hindrance.NO_PACKAGE: "no package is made of the request",
    Hindrance.BEING_MADE: "the package is being made: what it will lack is not known",
    Hindrance.SETTLED: "no erasure waits for the package",
}


class Copies:
    """Settles copies that nobody was told of, or as a person decides."""

    def __init__(
        self, *, store: CopyStore, clock: Clock, on_committed: Callable[[], object]
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_committed = on_committed

    async def work(self) -> int:
        """Settle copies that are whole and that nobody was told of; return how many.

        Such is a partial package to which the closing had nothing to add, and one that a replica of an
        older version has made.

        Raises:
            Unavailable: The database is away.
        """
        at = self._clock()
        found = await self._store.untold(limit=_TOGETHER)
        for request_id in found:
            await self._store.settle(request_id, copies_settled, at=at)
        if found:
            self._on_committed()
        return len(found)

    async def hindrance(self, request_id: RequestId) -> Hindrance | None:
        """Return why the package of a request cannot be accepted as it is; none where it can.

        Raises:
            Unavailable: The database is away.
        """
        return await self._store.hindrance(request_id)

    async def accept(self, request_id: RequestId, *, reason: str) -> None:
        """Have erasures go on though the package lacks something, for a reason, which is entered.

        Raises:
            RuleViolation: Something is in the way, as `hindrance` says.
            Unavailable: The database is away.
        """
        at = self._clock()
        found = await self._store.settle(request_id, copies_settled, at=at, reason=reason)
        if found is not None:
            raise RuleViolation("not_acceptable", _IN_THE_WAY[found])
        log.warning("a package is accepted as it is", request_id=request_id)
        self._on_committed()


def lacks_nothing(systems: Iterable[SystemAssembly]) -> bool:
    """Tell whether a package, with what it supplements, lacks nothing that was handed over."""
    return all(one.told["why"] is None for one in systems)
