"""What proving who asks needs from outside. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from dsr_core.ids import RequestId
from dsr_core.lifecycle import State
from dsr_intake.model import AuthorityShown, Code, CodeLimits, OpenTwin, Proof

__all__ = [
    "CodeStore",
    "IdentityStore",
    "Repeated",
]


Repeated = Callable[[Sequence[OpenTwin]], OpenTwin | None]
"""Says which of the open, proven requests of the same person and right is repeated; called inside the
transaction."""


class IdentityStore(Protocol):
    """Keeps the proof of who asks."""

    async def prove(
        self, proof: Proof, *, decide: Callable[[State], State], repeated: Repeated
    ) -> None:
        """Record a proof, the new state and date, and what is told of them, in one transaction.

        The request stays locked from before `decide` is given its state until all is durable; what
        `decide` raises leaves everything as it was. Where `repeated` names an open request, it is
        answered with that, due no later, and nobody is asked for it.

        Raises:
            RuleViolation: The one-time code that the proof goes by was used meanwhile.
        """
        ...

    async def authorise(self, shown: AuthorityShown, *, decide: Callable[[State], State]) -> None:
        """Record that a requester may ask for another person, as in `prove`."""
        ...


class CodeStore(Protocol):
    """Keeps what one-time codes are derived from, and how often they were tried."""

    async def issue(
        self,
        request_id: RequestId,
        code: Code,
        *,
        limits: CodeLimits,
        at: datetime,
        is_sent: bool,
    ) -> bool:
        """Make a code the newest of its request, and write its letter, in one statement.

        Nothing happens where no proof is awaited, the identity is more than one address, letters are
        not sent,
        or there were too many codes. It takes as long either way.

        Returns:
            Whether a letter was written.
        """
        ...

    async def attempt(
        self, request_id: RequestId, *, limits: CodeLimits, at: datetime
    ) -> Code | None:
        """Count a try; return the code to compare with, or none where none may be tried."""
        ...

    async def code(self, request_id: RequestId) -> Code | None:
        """Return the newest code of a request, if it is not used."""
        ...
