"""What handing packages over to callbacks needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from dsr_core.ids import RequestId
from dsr_intake.model.hand_overs import HandOver, HandOverEnd, HandOverView, Receiver, Settled

__all__ = ["HandOverStore"]


class HandOverStore(Protocol):
    """Keeps which packages are on their way to callbacks. Every method may raise Unavailable.

    A row is made in the transaction that makes a package ready. What is recorded by a claim that is
    another's by now, or of a hand-over that has ended, changes nothing.
    """

    async def receiver(self, client_id: str) -> Receiver:
        """Return whether an API client can have packages."""
        ...

    async def end(self, *, at: datetime) -> Sequence[HandOverEnd]:
        """End some of what may not be sent any more, enter it and tell its clients; return how each ended."""
        ...

    async def claim(self, *, at: datetime, lease: timedelta, claim_id: str) -> HandOver | None:
        """Give the caller one that is due and may be sent, until the lease is over.

        None of a client of which another is being sent, nor of one whose webhook is disabled.
        """
        ...

    async def hold(self, one: HandOver, *, until: datetime) -> None:
        """Have the claim last for longer."""
        ...

    async def begin(self, one: HandOver, *, size: int, at: datetime, said: str) -> None:
        """Record for whom the file is and how long, with no part confirmed, and enter it."""
        ...

    async def confirm(self, one: HandOver, *, parts: int, at: datetime) -> None:
        """Record that so many parts are confirmed, and give it back; its webhook is healthy."""
        ...

    async def settle(self, one: HandOver, how: Settled, *, at: datetime) -> bool:
        """End it, enter it and tell its client, in one transaction; false where that is another's."""
        ...

    async def failed(self, one: HandOver, *, at: datetime, again_at: datetime) -> None:
        """Record that a part was not taken, and give it back; its webhook is failing."""
        ...

    async def postpone(self, one: HandOver, *, until: datetime) -> None:
        """Give it back, since something of ours was away."""
        ...

    async def of(self, request_id: RequestId) -> Sequence[HandOverView]:
        """Return how those of a request stand, the newest package first."""
        ...

    async def forget(self, *, before: datetime) -> int:
        """Drop what ended before a time; return how much."""
        ...
