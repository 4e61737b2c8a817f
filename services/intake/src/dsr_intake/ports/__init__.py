"""What the application needs from outside. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Protocol

from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_core.law.rules import Rules
from dsr_core.lifecycle import State
from dsr_core.registry import Registry
from dsr_intake.deferral import Deferred, Due, FollowUp, Sealable
from dsr_intake.model import (
    Acceptance,
    Answer,
    AuthorityShown,
    ClientRow,
    Code,
    CodeLimits,
    CohortStanding,
    Draft,
    Known,
    LedgerChange,
    Letter,
    LetterKind,
    LetterState,
    ListFilter,
    Member,
    OpenTwin,
    Proof,
    RequestView,
    StateChangeRow,
    Verdict,
    WrappedKey,
)
from dsr_intake.ports.decisions import (
    Covering,
    DecisionStore,
    HoldStore,
    ProposalStore,
    Resolve,
    ScopeOf,
    Tell,
)
from dsr_wire.envelope import Outgoing
from dsr_wire.keys import SystemPublicKeys

__all__ = [
    "AcceptanceStore",
    "Alike",
    "ApiClientStore",
    "AppealStore",
    "ClosingStore",
    "CodeStore",
    "Covering",
    "Decide",
    "DecisionStore",
    "DeferralStore",
    "Form",
    "HoldStore",
    "IdentityStore",
    "KeyWrapper",
    "Ledger",
    "LeftBehindStore",
    "LetterStore",
    "MailRefused",
    "Mailer",
    "MakeFollowUp",
    "ProposalStore",
    "ReadStore",
    "RegistryView",
    "Resolve",
    "ScopeOf",
    "StateFeed",
    "Tell",
]

Form = Callable[[Sequence[Draft], Sequence[OpenTwin]], Acceptance]
"""Forms cohorts of those drafts that are new, given the open requests of the same persons.

Called inside the transaction, so it must not wait.
"""


class KeyWrapper(Protocol):
    """Encrypts requests' keys under a key-encryption key that never leaves it.

    Both calls take lists, since a key service is asked over the network.
    """

    async def wrap(self, keys: Sequence[tuple[RequestId, bytes]]) -> list[WrappedKey]:
        """Encrypt keys, each bound to its request; in the order given.

        Raises:
            Unavailable: The key service does not answer.
        """
        ...

    async def unwrap(self, keys: Sequence[tuple[RequestId, WrappedKey]]) -> list[bytes]:
        """Decrypt keys; in the order given.

        Raises:
            Unavailable: The key service does not answer, or does not hold that key-encryption key.
        """
        ...


class RegistryView(Protocol):
    """The registry versions, system keys and rules that have been published."""

    @property
    def current(self) -> Registry | None:
        """The newest version; none before the first."""
        ...

    @property
    def current_rules(self) -> Rules | None:
        """The newest version of the rules; none before the first."""
        ...

    async def rules(self, digest: str) -> Rules:
        """Return a version of the rules, waiting a bounded time for it.

        Raises:
            Unavailable: It has not arrived.
        """
        ...

    async def version(self, digest: str) -> Registry:
        """Return a version, waiting a bounded time for it.

        Raises:
            Unavailable: It has not arrived.
        """
        ...

    async def keys(self, system_id: str) -> SystemPublicKeys:
        """Return the newest keys of a system, waiting a bounded time for the first.

        Raises:
            Unavailable: None have arrived; the text names the system.
        """
        ...


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


class ReadStore(Protocol):
    """Reads requests; a client sees its own only."""

    async def get(self, client_id: str, request_id: str) -> RequestView | None:
        """Return a request, or none where this client has none of that id."""
        ...

    async def any(self, request_id: str) -> RequestView | None:
        """Return a request, whoever's it is; for the group's own services and operators."""
        ...

    async def page(
        self, client_id: str, wanted: ListFilter, *, after: str | None, limit: int
    ) -> list[RequestView]:
        """Return at most `limit` requests, newest first, that come after the one of that id."""
        ...

    async def cohort(self, cohort_id: str) -> CohortStanding | None:
        """Return how far a cohort is, or none where there is none of that id."""
        ...

    async def members(self, cohort_id: str, request_ids: Sequence[str]) -> list[Member]:
        """Return the members that systems may be asked for, of those asked or of all.

        A request is a member of the cohort that it was accepted in, and of its own. Who is stopping,
        closed or answered is left out; who is held says for which systems.

        Raises:
            RejectedInput: One that was asked is no member.
            RuleViolation: It is not proven who asks for one of them: nobody may be told of it.
        """
        ...


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
    ) -> tuple[int, list[RequestId]]:
        """Record outcomes, destroy keys, count cohorts down and write the outbox, in one transaction.

        The requests stay locked from before `decide` sees them until everything is durable. With
        `alike`, their open duplicates end with them. Of the deferred notices those of requests that
        change are kept with it; those that an answered request was opened from are deleted.

        Returns:
            How many requests moved on, and which of those asked do not exist.
        """
        ...


class LeftBehindStore(Protocol):
    """Finds duplicates that what they repeat has left behind, and has them go on."""

    async def originals(self, *, limit: int) -> list[RequestView]:
        """Return requests that have open duplicates though they have ended, stop or are due later."""
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
        self, original: RequestId, opened: Callable[[RequestView], Outgoing]
    ) -> Sequence[RequestView]:
        """Let the open duplicates of a request go their own way, each told of, in one transaction."""
        ...


MakeFollowUp = Callable[[Due], FollowUp | None]
"""Makes the request that a notice is for, or none where that must wait; called inside the transaction."""


class DeferralStore(Protocol):
    """Keeps deferred notices until their date."""

    async def sealable(self, request_ids: Sequence[RequestId]) -> list[Sealable]:
        """Return those of the requests that are not closed, with what can be sealed of them."""
        ...

    async def open_due(self, make: MakeFollowUp, *, at: datetime, limit: int) -> tuple[int, int]:
        """Open the requests of at most `limit` notices that are due, in one transaction.

        A notice opens one request, however many processes look at it. Where `make` gives none the
        notice is due again a day later.

        Returns:
            How many notices were due, and how many requests were opened.
        """
        ...


class IdentityStore(Protocol):
    """Keeps the proof of who asks."""

    async def prove(self, proof: Proof, *, decide: Callable[[State], State]) -> None:
        """Record a proof, the new state and date, and what is told of them, in one transaction.

        The request stays locked from before `decide` is given its state until all is durable; what
        `decide` raises leaves everything as it was.

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


class AppealStore(Protocol):
    """What appeals need to know of the requests that they are against."""

    async def lookup_hashes(self, request_id: str) -> frozenset[bytes]:
        """Return the keyed hashes of a request's identifiers, which outlive its key."""
        ...


class StateFeed(Protocol):
    """Changes of state, in an order in which none appears behind what has been read.

    Each call raises Unavailable where the store does not answer.
    """

    async def horizon(self) -> int:
        """Return the revision that everything visible now is at or below."""
        ...

    async def changed_since(
        self, revision: int, *, request_id: str | None = None, client_id: str | None = None
    ) -> tuple[list[StateChangeRow], int]:
        """Return changes after a revision, and the revision to go on from."""
        ...

    async def owners(self, request_ids: Sequence[str]) -> dict[str, str]:
        """Return the client of each request that exists."""
        ...


class ApiClientStore(Protocol):
    """The clients of the public API."""

    async def add(self, client_id: str, name: str, secret_hash: bytes, *, at: datetime) -> None:
        """Keep a client."""
        ...

    async def secret_hash(self, client_id: str) -> bytes | None:
        """Return the SHA-256 of a client's secret; none for an unknown or revoked client."""
        ...

    async def all(self) -> Sequence[ClientRow]:
        """Return every client, the oldest first."""
        ...

    async def revoke(self, client_id: str, *, at: datetime) -> bool:
        """Revoke a client, once and for all; false where there is none."""
        ...


class Ledger(Protocol):
    """The verifier's read API."""

    async def obligations(self, request_id: str) -> dict[str, Any] | None:
        """Return what is owed for a request, or none while the ledger has not seen it.

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

    async def changes(self, after: str | None, *, limit: int) -> tuple[list[LedgerChange], str]:
        """Return changes after a cursor and the cursor to go on from; no cursor means from now on.

        Raises:
            RejectedInput: The feed does not reach back to that cursor, or it is none.
            Unavailable: The verifier does not answer.
        """
        ...


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

    async def again(self, letter: Letter, *, at: datetime) -> None:
        """Have a letter that bounced tried again, as though it were new.

        Raises:
            RuleViolation: It has not bounced, or there is no address for it any more.
        """
        ...

    async def of(self, request_id: RequestId) -> list[Letter]:
        """Return a request's letters, the oldest first."""
        ...
