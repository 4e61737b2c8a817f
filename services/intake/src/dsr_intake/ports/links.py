"""What linking needs from outside. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dsr_core.ids import RequestId, SystemId
from dsr_core.linking import LinkReason
from dsr_intake.model import Member
from dsr_intake.model.links import LinkRuling, LinksTaken, LinkStep, LinksTold, TakenAnswer
from dsr_intake.model.principals import Sight

__all__ = ["LinkLedger", "LinkStore"]


class LinkStore(Protocol):
    """Keeps what systems found out. Every method may raise Unavailable; nothing is then kept."""

    async def member(self, request_id: RequestId) -> Member | None:
        """Return a request's identity and key; none where it is destroyed."""
        ...

    async def is_taken(self, request_id: RequestId, system_id: SystemId, sequence: int) -> bool:
        """Tell whether an answer's links were taken in or refused before."""
        ...

    async def against(
        self,
        request_id: RequestId,
        own: Sequence[bytes],
        hashes: Sequence[bytes],
        digests: Sequence[bytes],
    ) -> Mapping[bytes, LinkReason]:
        """Return which identifiers speak of somebody else, each with the reason.

        Another request that is open, or whose person is on the suppression list, has one of them, and
        none of those that this one was given; or a legal hold on a person names it, and does not
        cover this request already.

        Args:
            request_id: The request.
            own: The keyed hashes of what its person gave, under every key.
            hashes: Those of what was found.
            digests: What the suppression list would have for what was found, if there is one.
        """
        ...

    async def sharing(
        self, request_id: RequestId, own: Sequence[bytes], hashes: Sequence[bytes]
    ) -> Sequence[tuple[bytes, RequestId]]:
        """Return which identifiers systems found for other open persons too, each with their request.

        A request that was given one of the same identifiers is the same person's, and not returned.
        """
        ...

    async def take(self, taken: LinksTaken) -> bool:
        """Write what was judged, in one transaction with the new identity and with what it is known by.

        A step that says what the last of its link did is not written again. False where the identity
        has changed meanwhile, or others share what they did not or no longer do: nothing is written,
        and it is to be judged anew. Of two requests that share an identifier and are taken at the same
        moment, the later one is told so.
        """
        ...

    async def refuse(self, answer: TakenAnswer) -> None:
        """Write that an answer's links were not taken in; once."""
        ...

    async def steps(self, request_id: RequestId) -> list[LinkStep]:
        """Return every step of a request's links, the oldest first."""
        ...

    async def undecided(
        self, sight: Sight, *, request_id: RequestId | None = None
    ) -> list[LinkStep]:
        """Return the links that wait for people, of open requests that are seen or of one, the oldest first."""
        ...

    async def rulings(self, request_id: RequestId) -> list[LinkRuling]:
        """Return what people have said of a request's links, the oldest first."""
        ...

    async def rule(self, ruling: LinkRuling) -> None:
        """Write what one person says, with its entry in the audit log, where it changes nothing yet."""
        ...

    async def taken_counts(self, request_ids: Collection[RequestId]) -> dict[RequestId, int]:
        """Return of how many answers the links were taken in or refused; absent means none."""
        ...

    async def note_told_without(
        self, lacking: Collection[tuple[RequestId, SystemId]], *, at: datetime
    ) -> None:
        """Write that systems are told of requests without an identifier that they know people by.

        It waits for whoever is changing a request's identity: what is read afterwards holds that.
        """
        ...

    async def told_without(self, request_id: RequestId) -> list[SystemId]:
        """Return the systems that were told of a request so, sorted."""
        ...


class LinkLedger(Protocol):
    """What the verifier says of links."""

    async def links_told(self, request_ids: Collection[RequestId]) -> dict[RequestId, LinksTold]:
        """Return how many answers with links it has passed on; absent means none.

        Raises:
            Unavailable: The verifier does not answer.
        """
        ...
