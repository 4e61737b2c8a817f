"""What letters need from outside. Each docstring is the port's specification."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Protocol

from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_intake.model import (
    Letter,
    LetterKind,
    LettersStanding,
    LetterState,
    Member,
    RequestView,
)
from dsr_intake.ports.closing import Decide
from dsr_intake.ports.decisions import Tell

__all__ = [
    "LetterStore",
    "MailRefused",
    "Mailer",
    "ReceiptStore",
]


class MailRefused(RuleViolation):
    """A message will never be taken: its recipient's address is none, or is refused for good."""


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, message: EmailMessage, *, to: str) -> None:
        """Return when the mail server has the message and answers for it.

        Raises:
            MailRefused: The server refuses it for good.
            Unavailable: It is away, or wants it later.
        """
        ...


class LetterStore(Protocol):
    """Keeps how letters to requesters stand; neither an address nor a text."""

    async def claim(
        self, *, at: datetime, since: datetime, lease: timedelta, limit: int
    ) -> list[Letter]:
        """Return letters that are due and wait since a moment or longer, each to one caller.

        The longest waiting come first.

        Nobody else gets one of them before the lease is over, so that whoever dies with a letter in
        hand loses none.
        """
        ...

    async def member(self, request_id: RequestId) -> Member | None:
        """Return a request's identity, encrypted, with its key; none where it is destroyed."""
        ...

    async def postpone(self, letter: Letter, *, until: datetime) -> None:
        """Have a letter that waits tried again later."""
        ...

    async def settle(
        self,
        letter: Letter,
        state: LetterState,
        *,
        reason: str | None,
        at: datetime,
        decide: Decide,
        tell: Tell,
    ) -> bool:
        """Record how a letter ended, and what follows for its request, in one transaction.

        The request stays locked from before `decide` sees it until all is durable. Where the letter
        was sent or given up before, nothing changes.

        Returns:
            Whether it was recorded.
        """
        ...

    async def came_back(
        self, request_id: RequestId, kind: LetterKind, number: int, *, reason: str, at: datetime
    ) -> bool:
        """Record that a letter that was sent has come back for good; false where there is none."""
        ...

    async def again(self, letter: Letter, *, reason: str, at: datetime) -> None:
        """Have a letter that bounced tried again, as though it were new.

        Raises:
            RuleViolation: It has not bounced, or there is no address for it any more.
        """
        ...

    async def standing(self) -> list[LettersStanding]:
        """Return how many letters of each kind wait and were given up, where any does or was."""
        ...

    async def of(self, request_id: RequestId) -> list[Letter]:
        """Return a request's letters, the oldest first."""
        ...


class ReceiptStore(Protocol):
    """Finds requests that are not answered, and whose letter of receipt is not sent."""

    async def unsent(self, *, after: str | None, limit: int) -> list[tuple[RequestView, Letter]]:
        """Return them in the order of their ids, each with that letter, however it stands.

        Raises:
            Unavailable: The store is away.
        """
        ...
