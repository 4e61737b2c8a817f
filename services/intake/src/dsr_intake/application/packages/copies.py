"""Copies: an erasure of the same person goes on once the package is whole, or somebody accepts what it lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_intake.application.clock import Clock
from dsr_intake.application.copying import copies_settled
from dsr_intake.application.packages.assembling import SystemAssembly
from dsr_intake.ports import CopyStore

__all__ = ["Copies", "lacks_nothing"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_TOGETHER = 100


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

    async def accept(self, request_id: RequestId, *, reason: str) -> None:
        """Have erasures go on though the package lacks something, for a reason, which is entered.

        Raises:
            RuleViolation: The request is open, its package is not made yet, or its copy is settled already.
            Unavailable: The database is away.
        """
        at = self._clock()
        if not await self._store.settle(request_id, copies_settled, at=at, reason=reason):
            detail = "it is open, has no package yet, or nothing waits for its package any more"
            raise RuleViolation("not_acceptable", detail)
        log.warning("a package is accepted as it is", request_id=request_id)
        self._on_committed()


def lacks_nothing(systems: Iterable[SystemAssembly]) -> bool:
    """Tell whether a package, with what it supplements, lacks nothing that was handed over."""
    return all(one.told["why"] is None for one in systems)
