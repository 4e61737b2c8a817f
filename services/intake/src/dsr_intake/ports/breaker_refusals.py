"""What refusing together what waits before the breaker needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from dsr_core.ids import RequestId
from dsr_intake.model.breaker import BreakerRefusal

__all__ = ["BreakerRefusalStore"]


class BreakerRefusalStore(Protocol):
    """Keeps proposals to refuse what waits. Every method may raise Unavailable."""

    async def propose(self, refusal: BreakerRefusal) -> BreakerRefusal:
        """Keep a proposal; return it with how many requests wait now that it would refuse.

        Where none wait nothing is kept.
        """
        ...

    async def refusal(self, refusal_id: str) -> BreakerRefusal | None:
        """Return a proposal, approved or not; none where there is none."""
        ...

    async def refusals(self, limit: int) -> Sequence[BreakerRefusal]:
        """Return what was proposed, the newest first."""
        ...

    async def approve(self, refusal_id: str, *, by: str, at: datetime) -> BreakerRefusal:
        """Have it carried out; return it.

        Raises:
            RuleViolation: It was approved before.
        """
        ...

    async def undone(self) -> Sequence[BreakerRefusal]:
        """Return what is approved and not carried out to its end."""
        ...

    async def waiting(
        self, refusal: BreakerRefusal, *, after: str | None, limit: int
    ) -> Sequence[RequestId]:
        """Return requests that had come to wait by the proposal and wait still, in the order of ids."""
        ...

    async def done(self, refusal_id: str, *, at: datetime) -> None:
        """Record that it is carried out, and how many requests it has refused; safe to repeat."""
        ...
