"""What accepting and reading requests needs from outside. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from dsr_intake.model import (
    Acceptance,
    CohortStanding,
    Draft,
    KeyTag,
    ListFilter,
    OpenTwin,
    RequestView,
    Verdict,
)
from dsr_intake.model.principals import Sight
from dsr_intake.model.sealing import ToSeal

__all__ = [
    "AcceptanceStore",
    "AppealStore",
    "Form",
    "ReadStore",
]

Form = Callable[[Sequence[Draft], Sequence[OpenTwin]], Acceptance]
"""Forms cohorts of those drafts that are new, given the open requests of the same persons.

Called inside the transaction, so it must not wait.
"""


class AcceptanceStore(Protocol):
    """Writes accepted requests."""

    async def accept(self, drafts: Sequence[Draft], form: Form, *, wait: bool) -> list[Verdict]:
        """Write the drafts whose idempotency key is new or absent, in one transaction.

        When it returns, the requests, their keys, their idempotency keys, their cohorts and the
        outbox's rows are durable together; when it raises, none of them is. No key is given twice.

        Args:
            drafts: What arrived, in order.
            form: Forms cohorts of the drafts that are new, and only of them.
            wait: Where another transaction holds a key, wait for its end instead of giving
                `StillRunning`.

        Returns:
            One verdict a draft, in order.
        """
        ...

    async def knows(self, tag: KeyTag) -> bool:
        """Tell whether an idempotency key stands for a request already."""
        ...


class ReadStore(Protocol):
    """Reads requests."""

    async def get(self, sight: Sight, request_id: str) -> RequestView | None:
        """Return a request, or none where whoever sees this sees none of that id."""
        ...

    async def any(self, request_id: str) -> RequestView | None:
        """Return a request, whoever's it is; for what nobody asks for, or has been let in to ask."""
        ...

    async def followers(self, request_id: str) -> list[RequestView]:
        """Return the requests that follow one, the oldest first."""
        ...

    async def page(
        self, sight: Sight, wanted: ListFilter, *, after: str | None, limit: int
    ) -> list[RequestView]:
        """Return at most `limit` requests of those seen, newest first, after the one of that id."""
        ...

    async def cohort(self, cohort_id: str) -> CohortStanding | None:
        """Return how far a cohort is, or none where there is none of that id."""
        ...

    async def to_seal(self, cohort_id: str, request_ids: Sequence[str]) -> ToSeal | None:
        """Return a cohort with the members that systems may be asked for, of those asked or of all.

        None where there is no cohort of that id.
        A request is a member of the cohort that it was accepted in, and of its own. Who is stopping,
        closed or answered is left out; who is held says for which systems.

        Raises:
            RejectedInput: One that was asked is no member.
            RuleViolation: It is not proven who asks for one of them: nobody may be told of it.
        """
        ...


class AppealStore(Protocol):
    """What appeals need to know of the requests that they are against."""

    async def lookup_hashes(self, request_id: str) -> frozenset[bytes]:
        """Return the keyed hashes of a request's identifiers, which outlive its key."""
        ...
