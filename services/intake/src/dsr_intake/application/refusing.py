"""Refusing together what waits before the breaker: a runaway client's requests, by two people.

One proposes and another approves; then each request is refused as any other is, by itself, so that a
crash leaves some refused and the rest to be refused.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import structlog

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.ids import uuid7
from dsr_intake.application.clock import Clock
from dsr_intake.application.stopping import Stopping
from dsr_intake.application.two_people import require_another
from dsr_intake.model.breaker import BreakerRefusal
from dsr_intake.ports.breaker_refusals import BreakerRefusalStore

__all__ = ["Refusing"]

log = structlog.get_logger(__name__)

_LISTED = 100
_AT_ONCE = 200


class Refusing:
    """Refuses what waits; several processes may carry one refusal out together."""

    def __init__(self, *, store: BreakerRefusalStore, stopping: Stopping, clock: Clock) -> None:
        self._store = store
        self._stopping = stopping
        self._clock = clock

    async def refusals(self) -> Sequence[BreakerRefusal]:
        """Return what was proposed, the newest first."""
        return await self._store.refusals(_LISTED)

    async def propose(
        self, scope: str, *, by: str, ground: str, reason: str, client_id: str | None = None
    ) -> BreakerRefusal:
        """Keep the proposal that what waits for a scope now is refused; it changes nothing yet.

        Raises:
            RejectedInput: Nothing waits there, of that client or at all.
        """
        now = self._clock()
        made = await self._store.propose(
            BreakerRefusal(
                refusal_id=uuid7(int(now.timestamp() * 1000), os.urandom(10)),
                scope=scope,
                client_id=client_id,
                ground=ground,
                reason=reason,
                proposed_by=by,
                proposed_at=now,
            )
        )
        if not made.waiting:
            raise RejectedInput("nothing_waits", f"nothing waits for {scope}", field="scope")
        return made

    async def approve(self, refusal_id: str, *, by: str) -> BreakerRefusal | None:
        """Have it carried out by itself within seconds; none where nothing of that id was proposed.

        Raises:
            RuleViolation: Who approves has proposed it, or it was approved before.
        """
        proposal = await self._store.refusal(refusal_id)
        if proposal is None:
            return None
        require_another(proposal.proposed_by, by)
        approved = await self._store.approve(refusal_id, by=by, at=self._clock())
        log.warning("what waits is refused", scope=approved.scope, count=approved.waiting)
        return approved

    async def work(self) -> int:
        """Carry out what is approved, and return how many requests were refused; safe to repeat.

        Raises:
            Unavailable: The store is away; what is left is refused the next time.
        """
        refused = 0
        for one in await self._store.undone():
            after: str | None = None
            while waiting := await self._store.waiting(one, after=after, limit=_AT_ONCE):
                for request_id in waiting:
                    refused += await self._refuse(request_id, one)
                after = waiting[-1]
            await self._store.done(one.refusal_id, at=self._clock())
        return refused

    async def _refuse(self, request_id: str, one: BreakerRefusal) -> bool:
        try:
            await self._stopping.refuse(
                request_id,
                by=one.approved_by or "",
                ground=one.ground,
                reason=one.reason,
                proposed_by=one.proposed_by,
                breaker_refusal=one.refusal_id,
            )
        except RuleViolation as fault:
            # It has ended meanwhile, or another process refused it.
            log.info("a request is not refused", request_id=request_id, reason=fault.reason)
            return False
        return True
