"""What deciding about single requests, and holding them, needs from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from dsr_core.ids import CohortId, RequestId, SystemId
from dsr_intake.model import (
    Answer,
    DecisionEntry,
    Held,
    KeyReused,
    KeyTag,
    LegalHold,
    Proposal,
    RequestView,
    Ruling,
)
from dsr_wire.envelope import Outgoing

__all__ = [
    "Covering",
    "DecisionStore",
    "HoldStore",
    "ProposalStore",
    "Resolve",
    "ScopeOf",
    "Tell",
]

Tell = Callable[[Sequence[Answer], Sequence[CohortId]], list[Outgoing]]
"""Makes what is told of answers, and of cohorts whose last member is answered."""

Resolve = Callable[[RequestView, Sequence[Held]], Ruling]
"""Says what follows from a decision for a request as it stands, and the holds that cover it; called
inside the transaction."""

Covering = Callable[[Sequence[bytes]], Sequence[LegalHold]]
"""Gives the active holds on whoever has one of the identifiers with these hashes."""

ScopeOf = Callable[[LegalHold, str], Awaitable[tuple[SystemId, ...] | None]]
"""Gives the systems that a hold covers of the registry version with a digest: an empty tuple means all
of them, and none that it covers none."""


class DecisionStore(Protocol):
    """Keeps what people decide about single requests."""

    async def decide(self, request_id: str, resolve: Resolve, tell: Tell) -> Ruling | None:
        """Write what `resolve` says, in one transaction; none where there is no such request.

        The request stays locked from before `resolve` sees it until all is durable; what it raises
        leaves everything as it was. A request in a cohort of several moves into one of its own,
        which bears its id, and its home cohort is counted down.

        Raises:
            RuleViolation: An extension is promised of which a letter that waits already tells.
        """
        ...

    async def entries(self, request_id: str) -> list[DecisionEntry]:
        """Return what was decided about a request, the oldest first."""
        ...


class HoldStore(Protocol):
    """Keeps legal holds, and which requests each covers."""

    async def add(
        self, hold: LegalHold, hashes: Sequence[bytes], scope: ScopeOf, tag: KeyTag | None = None
    ) -> bool:
        """Keep a hold, with all the requests that it is about and that are not over, in one transaction.

        From its commit nothing is sealed for the systems that it covers, and for all others as before.

        Returns:
            Whether it is kept: where the idempotency key stands for another one, nothing happens.
        """
        ...

    async def under(self, tag: KeyTag) -> LegalHold | KeyReused | None:
        """Return the hold that an idempotency key stands for, or none."""
        ...

    async def cover_late(self, *, since: datetime, scope: ScopeOf) -> None:
        """Cover requests that came at the same moment as a hold on a person, recorded since a time."""
        ...

    async def get(self, hold_id: str) -> LegalHold | None:
        """Return a hold, or none."""
        ...

    async def all(self) -> list[tuple[LegalHold, int]]:
        """Return every hold with how many requests it holds now, the newest first."""
        ...

    async def watched(self) -> list[tuple[bytes, LegalHold]]:
        """Return the active holds on persons, each with the hash of each identifier."""
        ...

    async def lift(self, hold_id: str, *, by: str, reason: str, at: datetime) -> bool:
        """End a hold; false where it has ended, or is none. What it holds is released one by one."""
        ...

    async def waiting(self, *, after: tuple[str, RequestId] | None, limit: int) -> list[Held]:
        """Return what is to be put on hold and can be, or narrowed, or released, past a hold and request.

        By hold, then by request, so that a round goes past what it could not do.
        Narrowed is what a hold on some systems holds whole while no system was asked yet.
        """
        ...

    async def release(self, one: Held, *, at: datetime) -> None:
        """Take it that a hold does not, or no more, cover a request; safe to repeat."""
        ...

    async def narrow(self, one: Held, systems: Sequence[SystemId]) -> None:
        """Say which systems a hold covers of a request that is not on hold yet; safe to repeat."""
        ...

    async def drop(self, one: Held, *, at: datetime) -> None:
        """Take a hold from a request of which no system was asked yet; nothing where some were."""
        ...

    async def of_request(self, request_id: str) -> list[Held]:
        """Return the holds that cover a request and are not lifted, the oldest first."""
        ...


class ProposalStore(Protocol):
    """Keeps answers that are proposed in place of systems; approving is a decision."""

    async def propose(self, proposal: Proposal) -> None:
        """Keep a proposal."""
        ...

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """Return a proposal, or none."""
        ...

    async def proposals(self, request_id: str) -> list[Proposal]:
        """Return what was proposed for a request, the oldest first."""
        ...
