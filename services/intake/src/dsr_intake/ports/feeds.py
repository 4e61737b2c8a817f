"""What is read of how requests go on: intake's own changes, and the verifier's. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from dsr_core.errors import RuleViolation
from dsr_intake.model import LedgerChange, Owner, StateChangeRow, Twin
from dsr_intake.model.principals import Sight

__all__ = ["CertificatePending", "Ledger", "StateFeed"]


class CertificatePending(RuleViolation):
    """A request is closed, and no checkpoint of the transparency log covers that yet."""

    def __init__(self) -> None:
        detail = "the closure is not in the log yet; a checkpoint covers it within seconds"
        super().__init__("certificate_pending", detail)


class StateFeed(Protocol):
    """Changes of state, in an order in which none appears behind what has been read.

    Each call raises Unavailable where the store does not answer.
    """

    async def horizon(self) -> int:
        """Return the revision that everything visible now is at or below."""
        ...

    async def changed_since(
        self, revision: int, *, request_id: str | None = None, sight: Sight | None = None
    ) -> tuple[list[StateChangeRow], int]:
        """Return changes after a revision, of those seen, and the revision to go on from."""
        ...

    async def twins(self, request_ids: Sequence[str]) -> list[Twin]:
        """Return the requests that are answered with one of these."""
        ...

    async def owners(self, request_ids: Sequence[str]) -> dict[str, Owner]:
        """Return the client and the jurisdiction of each request that exists."""
        ...


class Ledger(Protocol):
    """The verifier's read API."""

    async def obligations(self, request_id: str) -> dict[str, Any] | None:
        """Return what is owed for a request, or none while the ledger has not seen it.

        Raises:
            Unavailable: The verifier does not answer.
        """
        ...

    async def answers(self, request_id: str) -> list[dict[str, Any]]:
        """Return every answer to a request in the order of recording; none where it is not known.

        Raises:
            Unavailable: The verifier does not answer.
        """
        ...

    async def closure(self, request_id: str) -> dict[str, Any] | None:
        """Return a request's closure, or none while it is open.

        Raises:
            Unavailable: The verifier does not answer.
        """
        ...

    async def certificate(self, request_id: str) -> bytes | None:
        """Return the certificate of a request as it is checked, or none where nothing was closed.

        Raises:
            CertificatePending: The log does not cover the closure yet.
            Unavailable: The verifier does not answer.
        """
        ...

    async def evidence_keys(self) -> bytes:
        """Return the published keys as certificates are checked with them.

        Raises:
            Unavailable: The verifier does not answer.
        """
        ...

    async def changes(self, after: str | None, *, limit: int) -> tuple[list[LedgerChange], str]:
        """Return changes after a cursor and the cursor to go on from; no cursor means from now on.

        Raises:
            RejectedInput: The feed does not reach back to that cursor, or it is none.
            Unavailable: The verifier does not answer.
        """
        ...
