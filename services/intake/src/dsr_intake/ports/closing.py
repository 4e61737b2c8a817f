"""What closing requests, and following up what is closed, needs from outside. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from dsr_core.ids import RequestId
from dsr_core.law.rules import Tier
from dsr_intake.deferral import Deferred, Due, FollowUp, Instead, Sealable
from dsr_intake.model import Answer, Known, RequestView
from dsr_intake.model.packages import WantedPackage
from dsr_intake.model.tiers import PassedTier
from dsr_intake.ports.decisions import Tell
from dsr_wire.envelope import Outgoing

__all__ = [
    "Alike",
    "ClosingStore",
    "Decide",
    "DeferralStore",
    "LeftBehindStore",
    "MakeFollowUp",
    "UndecidedStore",
]

Decide = Callable[[Mapping[RequestId, Known]], list[Answer]]
"""Says which of the requests that exist change; called inside the transaction."""


Alike = Callable[[Answer, RequestId, Known], Answer]
"""Says how a duplicate ends that is answered with another request; called inside the transaction."""


class ClosingStore(Protocol):
    """Closes and answers requests."""

    async def answer(
        self,
        request_ids: Sequence[RequestId],
        *,
        decide: Decide,
        tell: Tell,
        at: datetime,
        alike: Alike | None = None,
        deferred: Sequence[Deferred] = (),
        packages: Mapping[RequestId, WantedPackage] = MappingProxyType({}),
    ) -> tuple[int, list[RequestId]]:
        """Record outcomes, destroy keys, count cohorts down and write the outbox, in one transaction.

        The requests stay locked from before `decide` sees them until everything is durable. With
        `alike`, their open duplicates end with them. Of the deferred notices those of requests that
        change are kept with it, and of the packages those of requests that do are wanted from now on,
        each with what the ledger said; those that an answered request was opened from are deleted.

        Returns:
            How many requests moved on, and which of those asked do not exist.

        Raises:
            Unavailable: A partial package was made since it was decided which package is wanted.
        """
        ...


class LeftBehindStore(Protocol):
    """Finds duplicates that what they repeat has left behind, and has them go on."""

    async def originals(self, *, limit: int) -> list[RequestView]:
        """Return requests that have open duplicates though they have ended, stop or are due later."""
        ...

    async def repeats(self, original: RequestId) -> list[RequestView]:
        """Return the open duplicates of a request."""
        ...

    async def answer(self, original: RequestId, *, decide: Decide, tell: Tell, at: datetime) -> int:
        """Write how the open duplicates of a request that has ended end, in one transaction.

        Both are locked from before `decide` sees them. Nothing happens where it has not ended, or has
        no duplicate any more.

        Returns:
            How many ended.
        """
        ...

    async def set_free(
        self, original: RequestId, opened: Callable[[RequestView], Sequence[Outgoing]]
    ) -> Sequence[RequestView]:
        """Let the open duplicates of a request go their own way, each told of, in one transaction."""
        ...


class UndecidedStore(Protocol):
    """Finds appeals that wait for a decision, and keeps which of their tiers have passed."""

    async def undecided(
        self, *, after: str | None, limit: int
    ) -> list[tuple[RequestView, tuple[PassedTier, ...]]]:
        """Return appeals that wait, in the order of their ids, each with what was done of its tiers."""
        ...

    async def passed(
        self,
        request_id: RequestId,
        tiers: Sequence[Tier],
        tell: Callable[[Tier], Outgoing],
        *,
        at: datetime,
    ) -> list[Tier]:
        """Record that tiers have come, and what is told of each, in one transaction.

        Returns:
            Those that are new; none where the appeal waits no more.
        """
        ...


MakeFollowUp = Callable[[Due], FollowUp | Instead]
"""Makes the request that a notice is for, or says what becomes of it; called inside the transaction."""


class DeferralStore(Protocol):
    """Keeps deferred notices until their date."""

    async def sealable(self, request_ids: Sequence[RequestId]) -> list[Sealable]:
        """Return those of the requests that are not closed, with what can be sealed of them."""
        ...

    async def open_due(self, make: MakeFollowUp, *, at: datetime, limit: int) -> tuple[int, int]:
        """Open the requests of at most `limit` notices that are due, in one transaction.

        A notice opens one request, however many processes look at it. Where `make` gives none the
        notice is due again a day later, or deleted, as it says.

        Returns:
            How many notices were due, and how many requests were opened.
        """
        ...
