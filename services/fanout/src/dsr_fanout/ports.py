"""What the application needs from outside, as protocols. Each docstring is the port's specification.

Every method raises `Unavailable` when what is behind it is away or answers in a way that may pass:
the same call may be made again. None of the methods logs or returns a personal value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from dsr_core.registry import Registry
from dsr_fanout.orders import CohortPhases, CohortProgress, Decided, Order, Telling, Told, Verified
from dsr_wire.codec.notices import SystemNotice
from dsr_wire.codec.registry import PublishedRegistry
from dsr_wire.envelope import Outgoing

__all__ = ["Intake", "Ledger", "Publisher", "Registries", "Workflows"]


class Intake(Protocol):
    """Intake, the only place where an identity is ever in the clear."""

    async def seal(
        self,
        cohort_id: str,
        *,
        registry_digest: str,
        system_ids: Sequence[str],
        request_ids: Sequence[str],
    ) -> tuple[SystemNotice, ...]:
        """Return the identities of requests, sealed for systems.

        A request that is answered is left out: its key is destroyed. A system that has nothing left
        to be told comes with no identity, or not at all where every request was answered.

        Raises:
            RuleViolation: Intake says no in the present state; the reason is its code.
        """
        ...

    async def give_up_identity(self, cohort_id: str) -> CohortProgress:
        """Have a cohort of one end as not verified, if it still awaits a proof; return how it stands.

        Raises:
            RuleViolation: Its date has not passed, by intake's clock, or intake does not know it.
        """
        ...

    async def give_up_stopping(self, cohort_id: str) -> CohortProgress:
        """Have a cohort of one that is being stopped end with what is known; return how it stands.

        Raises:
            RuleViolation: Its legal date has not passed, by intake's clock, or intake does not know it.
        """
        ...

    async def progress(self, cohort_id: str) -> CohortProgress | None:
        """Return how many members of a cohort are open, or none where intake does not know it."""
        ...


class Ledger(Protocol):
    """The verifier's record of who has confirmed what."""

    async def missing(self, cohort_id: str) -> Mapping[str, Sequence[str]] | None:
        """Return the systems that have not confirmed, each with the requests that it owes.

        Systems that a hold covers are among them: who is left out for it is the caller's to say. None
        where it does not know the cohort: that is not the same as nobody missing.
        """
        ...

    async def phases(self, cohort_id: str) -> CohortPhases | None:
        """Return how far the phases of a cohort have come, or none where it does not know the cohort.

        All are confirmed where the ledger has none of them on record.
        """
        ...


class Publisher(Protocol):
    """Kafka, as a producer."""

    async def publish(self, records: Iterable[Outgoing]) -> None:
        """Send records; all are durable when this returns, in order for each key."""
        ...


class Registries(Protocol):
    """The registry versions that have been published."""

    async def version(self, digest: str) -> Registry:
        """Return a version; where it has not arrived, wait a bounded time, then be unavailable."""
        ...

    async def newest(self) -> PublishedRegistry:
        """Return the newest version; where none has arrived, wait as for a version."""
        ...

    def since(self, digest: str) -> Sequence[PublishedRegistry]:
        """Return the versions that were published after one, the oldest first; all where it is unknown."""
        ...

    def holder(self, system_id: str) -> Registry | None:
        """Return the newest version that has a system, or none."""
        ...

    async def changed(self, since: str, *, within_s: float) -> str | None:
        """Wait for another newest version than one; return its digest, or none in that time."""
        ...


class Workflows(Protocol):
    """Temporal, as a client."""

    async def start(self, order: Order) -> bool:
        """Have a cohort's workflow running; false where it has run and ended already.

        Raises:
            RejectedInput: Temporal will never take this order, as it takes others.
        """
        ...

    async def replan(self, version: PublishedRegistry) -> bool:
        """Have every running workflow told of a registry version, once; false where that is done.

        One that is published again later is another: what had taken its place may have been followed.

        It goes on by itself, however many there are.
        """
        ...

    async def tell_running(self, telling: Telling) -> Told:
        """Tell a page of the running cohorts of a registry version, and where the list goes on."""
        ...

    async def hint(self, cohort_id: str) -> bool:
        """Tell a cohort's workflow to read again; false where none runs."""
        ...

    async def phase_confirmed(self, cohort_id: str) -> bool:
        """Tell a cohort's workflow to read how far its phases have come; false where none runs."""
        ...

    async def verified(self, cohort_id: str, verified: Verified) -> bool:
        """Tell a cohort's workflow that it is proven who asks; false where none runs."""
        ...

    async def decided(self, order: Order, decided: Decided) -> bool:
        """Have a request's workflow running, and tell it of a decision, in one call.

        One that runs takes the decision alone, and the order is nothing to it. False where it has run
        and ended already.

        Raises:
            RejectedInput: Temporal will never take this, as it takes others.
        """
        ...
