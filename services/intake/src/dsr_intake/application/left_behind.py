"""Duplicates that were left behind: what they repeat has ended, stops, or has a later date.

Whoever decides about a request, or closes it, takes its duplicates along. A replica of an older version
knows of none, so that until it has stopped some may be left; nobody would ever answer those.

A duplicate that was received before what it repeats, and came in after it, is found here as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from dsr_core.closing import FOLLOWED, Outcome
from dsr_core.ids import RequestId
from dsr_core.lifecycle import Event
from dsr_intake.application.answering import Ends, ended
from dsr_intake.application.bringing_forward import BringingForward
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating
from dsr_intake.application.deciding import opened
from dsr_intake.metrics import Metrics
from dsr_intake.model import Answer, Known, RequestView
from dsr_intake.ports import LeftBehindStore, RegistryView

__all__ = ["LeftBehind"]

log = structlog.get_logger(__name__)

_AT_ONCE = 100


class LeftBehind:
    """Answers such duplicates, or lets them go their own way; several processes may do so at once."""

    def __init__(
        self,
        *,
        store: LeftBehindStore,
        forward: BringingForward,
        registry: RegistryView,
        dating: Dating,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
    ) -> None:
        self._store = store
        self._forward = forward
        self._registry = registry
        self._dating = dating
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed

    async def work(self) -> int:
        """Take up what was left behind, and return how many requests moved on; safe to repeat.

        Where what is repeated was followed to its end, the duplicate ends with it. Where that can have
        the date of the duplicate, it gets it. Else the duplicate is opened by itself.

        Raises:
            Unavailable: The store is away, or rules that a request pins.
        """
        moved = 0
        for one in await self._store.originals(limit=_AT_ONCE):
            if await self._forward.bring(one, await self._store.repeats(one.request_id)):
                moved += 1
                continue
            count = await (self._answer(one) if one.outcome in FOLLOWED else self._free(one))
            if count:
                log.warning("duplicates were left behind", request_id=one.request_id, count=count)
                self._on_committed()
            moved += count
        return moved

    async def _answer(self, one: RequestView) -> int:
        now = self._clock()
        ends = Ends(now)

        def decide(known: Mapping[RequestId, Known]) -> list[Answer]:
            return [
                ended(
                    request_id,
                    each,
                    Event.CLOSE,
                    outcome=Outcome(one.outcome or ""),
                    closed_at=one.closed_at or now,
                    at=now,
                    is_repeat=True,
                )
                for request_id, each in known.items()
            ]

        count = await self._store.answer(
            one.request_id,
            decide=decide,
            tell=ends.tell,
            at=now,
        )
        self._metrics.count_ends(ends.made)
        return count

    async def _free(self, one: RequestView) -> int:
        regime = self._dating.regime(await self._registry.rules(one.rules_digest), one)
        return len(await self._store.set_free(one.request_id, lambda twin: opened(twin, regime)))
