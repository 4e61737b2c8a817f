"""What a handler is asked: one subject request, opened for this system's eyes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from dsr_core.corrections import Correction
from dsr_core.identity import Identity
from dsr_core.ids import RequestId
from dsr_core.linking import Link, LinkProof
from dsr_core.plan import Scope
from dsr_core.resolving import Confidence
from dsr_core.rights import RIGHTS, Right
from dsr_core.suppressions import SuppressionKind
from dsr_sdk.finding import found

__all__ = [
    "AccessRequest",
    "CorrectionRequest",
    "DeletionRequest",
    "ObjectionRequest",
    "OptOutRequest",
    "PortabilityRequest",
    "Report",
    "RestrictionRequest",
    "SystemRequest",
]

Report = Callable[[RequestId, Right, str, datetime | None], Awaitable[None]]
"""Tells that the work goes on: request, right, reason, and when the answer is expected."""


@dataclass(frozen=True, slots=True)
class SystemRequest:
    """What one system owes under one subject request."""

    request_id: RequestId
    right: Right
    identity: Identity
    """Only the identifiers of the kinds that the system registered; at least one. Never log it."""

    scope: Scope
    """What part of the data is meant; what is empty limits nothing. `scope.since` is the day from which
    on data is meant, by whichever date of a record says when it came or was last changed."""

    due_at: datetime
    """The legal date of the answer."""

    reminder: int
    """0 for the first notice, then the number of the reminder."""

    attempt: int
    """Counts the answers that this obligation will have had with this one, from 1."""

    may_be_repeat: bool
    """The handler was asked before and its effect may stand: a crash or an exception fell between the
    effect and its outcome, or an answer was that the work goes on, and none has confirmed since. Then
    "nothing found" usually means that it was erased."""

    held_before: datetime | None
    """Set long after an erasure, when it is asked whether that still holds: what this system held
    before then is meant, and nothing that has come since. None where nothing is so limited."""

    _report: Report = field(repr=False, compare=False)
    _links: list[Link] = field(default_factory=list, repr=False, compare=False)

    async def in_progress(self, reason: str = "", expected_at: datetime | None = None) -> None:
        """Tell at once that the work has begun, while the handler goes on.

        Args:
            reason: What is going on, in words without personal data.
            expected_at: When the answer is to be expected.
        """
        await self._report(self.request_id, self.right, reason, expected_at)

    def also_known(
        self, kind: str, value: str, *, through: str, confidence: Confidence, proof: LinkProof
    ) -> bool:
        """Tell that the person has another identifier, so that other systems find them by it.

        It goes with the handler's answer, sealed for intake alone, also where it fails. A wrong one erases or discloses what is somebody else's: say what is proven, and
        how, and nothing else. Of what the registry does not let this system resolve nothing is used.

        Before erasing is the time to look. `await request.in_progress()` then makes what was found
        durable, so that a crash after the erasure does not lose it.

        Args:
            kind: The kind of the other identifier: `account_id`, `customer_number`, …
            value: Its value.
            through: By which kind of `identity` this system found the person.
            confidence: How sure it is.
            proof: How this system knows.

        Returns:
            Whether it is told; not where the value is none of its kind, or there are too many.

        Raises:
            ValueError: The kind is unknown, or the request names nobody by `through`.
        """
        link = (kind, value)
        return found(
            self._links, self.identity, link, through=through, confidence=confidence, proof=proof
        )

    @property
    def links(self) -> tuple[Link, ...]:
        """What `also_known` has told so far. Never log it."""
        return tuple(self._links)


@dataclass(frozen=True, slots=True)
class DeletionRequest(SystemRequest):
    """Asks to erase what the system holds on one person."""


@dataclass(frozen=True, slots=True)
class AccessRequest(SystemRequest):
    """Asks to hand over what the system holds on one person."""


@dataclass(frozen=True, slots=True)
class OptOutRequest(SystemRequest):
    """Asks to use what the system holds on one person for no marketing, and not to sell or share it."""

    @property
    def uses(self) -> frozenset[SuppressionKind]:
        """What is to end: both, or the one that the person named. Whoever ends both does too much."""
        return frozenset(self.scope.uses or RIGHTS[self.right].suppresses)


@dataclass(frozen=True, slots=True)
class RestrictionRequest(SystemRequest):
    """Asks to keep what the system holds on one person, and not to use it.

    What GDPR article 18(2) allows goes on: to store it, legal claims, the rights of another person, and
    what the person consents to.
    """


@dataclass(frozen=True, slots=True)
class ObjectionRequest(SystemRequest):
    """Asks to use what the system holds on one person no more, on a ground of the person's own."""

    @property
    def is_of_marketing_alone(self) -> bool:
        """Whether marketing alone is to end, which no ground refuses (GDPR article 21(3))."""
        return bool(self.scope.uses)


@dataclass(frozen=True, slots=True)
class PortabilityRequest(SystemRequest):
    """Asks to hand over, for machines, what one person has provided to the system."""


@dataclass(frozen=True, slots=True)
class CorrectionRequest(SystemRequest):
    """Asks to put right what the system holds on one person."""

    corrections: tuple[Correction, ...] = ()
    """What is wrong and what is right, of the categories that the system registered. Never log it."""

    statement: str = field(default="", repr=False)
    """The person's own words, to be attached to what is not corrected; may be empty. Never log it."""
