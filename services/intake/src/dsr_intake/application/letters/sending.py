"""Sending: letters go out at least once, and what waits for one goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from dsr_core import tracing
from dsr_core.errors import RuleViolation, Unavailable
from dsr_core.ids import RequestId
from dsr_core.lifecycle import State
from dsr_intake.application.answering import Ends, told
from dsr_intake.application.clock import Clock
from dsr_intake.application.extending import Extending
from dsr_intake.application.identity_cipher import decrypt
from dsr_intake.application.letters.contents import Gathering
from dsr_intake.application.letters.envelope import LetterName, message, message_id
from dsr_intake.application.letters.writing import Stationery, language_of
from dsr_intake.application.working import Working, pause_after
from dsr_intake.metrics import Metrics
from dsr_intake.model import Answer, Known, Letter, LetterKind, LetterState, RequestView
from dsr_intake.model.letters import NOT_IN_TIME
from dsr_intake.ports import KeyWrapper, LetterStore, Mailer, MailRefused, ReadStore

__all__ = ["ANSWERS", "OF_PACKAGES", "Contact", "Posting", "Sending"]

log = structlog.get_logger(__name__)

ANSWERS = frozenset(
    {
        LetterKind.DONE,
        LetterKind.REFUSED,
        LetterKind.WITHDRAWN,
        LetterKind.NOT_VERIFIED,
        LetterKind.REFERRED,
    }
)
"""The letters that answer: once one is sent, its request is answered."""

OF_PACKAGES = frozenset(
    {LetterKind.PACKAGE_PARTIAL, LetterKind.PACKAGE_LINK, LetterKind.PACKAGE_CODE}
)
"""The letters that may come after the answer: their address is that of the package."""

Contact = Callable[[RequestId], Awaitable[str | None]]
"""Gives the address of a package's letters; none where it is destroyed."""

_TOGETHER = 8
_LONGEST_PAUSE_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """How letters are sent here."""

    sender: str
    give_up_after: timedelta
    """A letter that the mail server has not taken for so long is given up, on record."""


class Sending(Working):
    """Sends what waits; several processes may do so at once.

    Without a mail server it sends nothing, and gives up what waits from before after its time.
    """

    def __init__(
        self,
        *,
        store: LetterStore,
        reads: ReadStore,
        wrapper: KeyWrapper,
        gathering: Gathering,
        stationery: Stationery,
        mailer: Mailer | None,
        posting: Posting,
        metrics: Metrics,
        clock: Clock,
        on_committed: Callable[[], object],
        lease: timedelta,
        extending: Extending,
        contact: Contact | None = None,
    ) -> None:
        super().__init__(else_say="letters wait")
        self._store = store
        self._reads = reads
        self._wrapper = wrapper
        self._gathering = gathering
        self._stationery = stationery
        self._mailer = mailer
        self._posting = posting
        self._metrics = metrics
        self._clock = clock
        self._on_committed = on_committed
        self._lease = lease
        self._extending = extending
        self._contact = contact

    async def step(self) -> int:
        """Try the letters that are due, some together; return how many there were."""
        at = self._clock()
        # Whoever has no mail server leaves to others what they may still send.
        since = at if self._mailer is not None else at - self._posting.give_up_after
        due = await self._store.claim(at=at, since=since, lease=self._lease, limit=_TOGETHER)
        await asyncio.gather(*(self._try(one) for one in due))
        return len(due)

    async def _try(self, letter: Letter) -> None:
        if self._mailer is None:
            await self._settle(letter, LetterState.GIVEN_UP, NOT_IN_TIME)
            return
        with tracing.span(
            "send a letter",
            parent=letter.traceparent,
            request_id=letter.request_id,
            kind=tracing.Kind.CLIENT,
        ):
            await self._sent(letter, self._mailer)

    async def _sent(self, letter: Letter, mailer: Mailer) -> None:
        try:
            too_late = await self._send(letter, mailer)
        except MailRefused as fault:
            await self._settle(letter, LetterState.BOUNCED, fault.reason)
        except Unavailable as error:
            await self._later(letter, str(error))
        else:
            state = LetterState.SENT if too_late is None else LetterState.GIVEN_UP
            await self._settle(letter, state, too_late)

    async def _send(self, letter: Letter, mailer: Mailer) -> str | None:
        """Return once it is sent; else why it is too late for it, which is for ever."""
        one = await self._reads.any(letter.request_id)
        to = None if one is None else await self._address(letter, one)
        if one is None or to is None:
            return "identity_destroyed"
        contents = await self._gathering.contents(letter, one, at=self._clock())
        if contents.due_on is None:
            return "extension_too_late"
        if letter.kind is LetterKind.IDENTITY_NEEDED:
            if not one.is_one_address:
                return "code_proves_too_little"
            if contents.proving is None:
                return "code_expired"
        if letter.kind in OF_PACKAGES and contents.proving is None:
            return "link_expired"
        written = self._stationery.write(letter.kind, language_of(one.language), contents)
        name = LetterName(letter.request_id, letter.kind, letter.number)
        sender = self._posting.sender
        identification = message_id(name, sender=sender)
        at = self._clock()
        await mailer.send(
            message(written, to=to, sender=sender, identification=identification, at=at), to=to
        )
        if letter.kind is LetterKind.EXTENDED:
            # Before it is recorded that it is sent: who dies here sends it again, and comes here again.
            await self._extending.told(letter, at=self._clock())
        return None

    async def _address(self, letter: Letter, one: RequestView) -> str | None:
        """Return where a letter goes; none where that is destroyed."""
        if letter.kind in OF_PACKAGES:
            return None if self._contact is None else await self._contact(one.answered_with)
        member = await self._store.member(letter.request_id)
        if member is None or member.key is None:
            return None
        [key] = await self._wrapper.unwrap([(letter.request_id, member.key)])
        identity = decrypt(member.ciphertext, request_id=letter.request_id, key=key)
        return identity.first("email") or ""

    async def _later(self, letter: Letter, error: str) -> None:
        now = self._clock()
        if now - letter.waiting_since >= self._posting.give_up_after:
            await self._settle(letter, LetterState.GIVEN_UP, NOT_IN_TIME)
            return
        pause = pause_after(letter.tries, longest_s=_LONGEST_PAUSE_S)
        log.warning("a letter waits", request_id=letter.request_id, kind=letter.kind, error=error)
        await self._store.postpone(letter, until=now + pause)

    async def _settle(self, letter: Letter, state: LetterState, reason: str | None = None) -> bool:
        """Record how a letter ended, and whether that is news; where it answers, so is its request.

        One that bounced answers nobody: its request stays closed until somebody decides.
        """
        at = self._clock()
        is_over = letter.kind in ANSWERS and state is not LetterState.BOUNCED
        ends = Ends(at)

        def decide(known: Mapping[RequestId, Known]) -> list[Answer]:
            if not is_over:
                return []
            return [
                told(request_id, one, at=at)
                for request_id, one in known.items()
                if one.state is State.CLOSED
            ]

        is_recorded = await self._store.settle(
            letter,
            state,
            reason=reason,
            at=at,
            decide=decide,
            tell=ends.tell,
        )
        if is_recorded:
            self._metrics.letters.labels(letter.kind, state).inc()
            if is_over:
                self._metrics.count_ends(ends.made)
                self._on_committed()
            if state is not LetterState.SENT:
                log.warning(
                    "a letter is not sent",
                    request_id=letter.request_id,
                    kind=letter.kind,
                    state=state,
                    reason=reason,
                )
        return is_recorded

    async def came_back(
        self, request_id: RequestId, kind: LetterKind, number: int, *, reason: str
    ) -> bool:
        """Record that a letter has come back, and what follows; false where there is none. Safe to repeat."""
        at = self._clock()
        if not await self._store.came_back(request_id, kind, number, reason=reason, at=at):
            return False
        if kind is LetterKind.EXTENDED:
            await self._extending.came_back(request_id, number)
        self._metrics.letters.labels(kind, LetterState.BOUNCED).inc()
        return True

    async def give_up(
        self, request_id: str, kind: LetterKind, *, reason: str
    ) -> list[Letter] | None:
        """Give up the newest letter of a kind, for a reason; what waits for it goes on.

        Returns:
            The request's letters; none where it has no letter of that kind.

        Raises:
            RuleViolation: It is sent, or given up before.
        """
        letter = await self._newest(request_id, kind)
        if letter is None:
            return None
        if not await self._settle(letter, LetterState.GIVEN_UP, reason):
            raise RuleViolation("letter_ended", "a letter that is sent or given up stays as it is")
        return await self._store.of(letter.request_id)

    async def send_again(
        self, request_id: str, kind: LetterKind, *, reason: str
    ) -> list[Letter] | None:
        """Have the newest letter of a kind tried again, which has bounced.

        Returns:
            As in `give_up`.

        Raises:
            RuleViolation: It has not bounced, or its address is destroyed.
        """
        letter = await self._newest(request_id, kind)
        if letter is None:
            return None
        await self._store.again(letter, reason=reason, at=self._clock())
        self.wake()
        return await self._store.of(letter.request_id)

    async def _newest(self, request_id: str, kind: LetterKind) -> Letter | None:
        of_kind = [one for one in await self._store.of(RequestId(request_id)) if one.kind is kind]
        return max(of_kind, key=lambda one: one.number, default=None)
