"""What becomes of a letter that the mail server does not take at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from dsr_core.errors import Unavailable
from dsr_core.law.rules import Rules
from dsr_intake.application.dating import Dating
from dsr_intake.application.extending import Extending
from dsr_intake.application.identity_cipher import encrypt
from dsr_intake.application.letters.contents import Gathering, Proving
from dsr_intake.application.letters.sending import Posting, Sending
from dsr_intake.application.letters.writing import Stationery
from dsr_intake.metrics import Metrics
from dsr_intake.model import Letter, LetterKind, LetterState, Member, RequestView, WrappedKey
from dsr_intake.ports import MailRefused
from support.builders import (
    NOW,
    a_registry,
    a_request_id,
    an_extending_regime,
    an_identity,
    the_rules,
)
from support.fake_ledger import FakeLedger
from support.intake_fakes import (
    FakeDecisions,
    FakeLetters,
    FakeRegistryView,
    FakeWrapper,
    a_letter,
    a_request_view,
    no_holidays,
)

KEY = b"k" * 32
EXTENDING = the_rules(an_extending_regime())
"""Thirty days, and thirty more where the person is told within the first."""

MEMBER = Member(
    a_request_id(),
    encrypt(an_identity(), request_id=a_request_id(), key=KEY, nonce=b"n" * 12),
    WrappedKey(KEY[::-1], "fake"),
)


class Scene:
    """A sender on fakes, whose clock and mail server a test moves."""

    def __init__(
        self, *letters: Letter, member: Member | None = MEMBER, rules: Rules | None = None
    ) -> None:
        self.rules = rules or the_rules()
        self.now = NOW
        self.role = "data_subject"
        self.recipients: list[str] = []
        self.fault: Exception | None = None
        self.sent: list[EmailMessage] = []
        self.told_of: list[tuple[int, datetime]] = []
        self.store = FakeLetters(*letters)
        self.store.found = member
        self.sending = Sending(
            store=self.store,
            reads=self,  # of the reads it asks for one
            wrapper=FakeWrapper(),
            gathering=Gathering(
                ledger=FakeLedger(),
                decisions=FakeDecisions(),
                registry=FakeRegistryView(a_registry(), self.rules),
                dating=Dating(no_holidays),
                proving=self.proving,
            ),
            stationery=Stationery(),
            mailer=self,
            posting=Posting(sender="privacy@example.com", give_up_after=timedelta(hours=1)),
            metrics=Metrics(CollectorRegistry()),
            clock=lambda: self.now,
            on_committed=lambda: None,
            lease=timedelta(seconds=90),
            extending=cast(Extending, self),
        )

    async def any(self, request_id: str) -> RequestView:
        del request_id
        return a_request_view(rules_digest=self.rules.digest, requester_role=self.role)

    async def told(self, letter: Letter, *, at: datetime) -> None:
        self.told_of.append((letter.number, at))

    async def proving(self, letter: Letter) -> Proving | None:
        del letter
        return None

    async def send(self, message: EmailMessage, *, to: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.recipients.append(to)
        self.sent.append(message)

    async def tried(self, at: datetime) -> Letter:
        self.now = at
        assert await self.sending.step() == 1
        [letter] = self.store.letters
        return letter


async def test_a_letter_is_sent_once_and_then_not_looked_at() -> None:
    scene = Scene(a_letter(kind=LetterKind.RECEIVED))
    assert (await scene.tried(NOW)).state is LetterState.SENT
    assert await scene.sending.step() == 0
    assert len(scene.sent) == 1


@pytest.mark.parametrize(
    "kind", [LetterKind.RECEIVED, LetterKind.REFUSED, LetterKind.REFERRED, LetterKind.NOT_VERIFIED]
)
async def test_of_what_an_agent_asks_for_the_person_is_told(kind: LetterKind) -> None:
    scene = Scene(a_letter(kind=kind))
    scene.role = "authorised_agent"
    assert (await scene.tried(NOW)).state is LetterState.SENT
    assert scene.recipients == [an_identity().first("email")]
    body = scene.sent[0].get_body(("plain",))
    assert body is not None
    is_said = "in your name by an authorised agent" in " ".join(body.get_content().split())
    assert is_said == (kind is LetterKind.RECEIVED)


async def test_a_letter_that_tells_of_an_extension_moves_the_date_once_it_is_sent() -> None:
    scene = Scene(a_letter(kind=LetterKind.EXTENDED), rules=EXTENDING)
    scene.fault = Unavailable("the mail server is away")
    assert (await scene.tried(NOW)).state is LetterState.WAITING
    assert scene.told_of == []
    scene.fault = None
    letter = await scene.tried(NOW + timedelta(minutes=1))
    assert (letter.state, scene.told_of) == (
        LetterState.SENT,
        [(1, NOW + timedelta(minutes=1))],
    )


async def test_a_letter_that_would_tell_of_an_extension_too_late_is_given_up() -> None:
    scene = Scene(a_letter(kind=LetterKind.EXTENDED), rules=EXTENDING)
    letter = await scene.tried(NOW + timedelta(days=40))
    assert (letter.state, letter.reason) == (LetterState.GIVEN_UP, "extension_too_late")
    assert (scene.sent, scene.told_of) == ([], [])


async def test_pauses_grow_until_it_is_given_up() -> None:
    scene = Scene(a_letter())
    scene.fault = Unavailable("the mail server is away")
    pauses, at = [], NOW
    letter = await scene.tried(at)
    while letter.state is LetterState.WAITING:
        assert letter.next_try_at is not None
        pauses.append((letter.next_try_at - at).total_seconds())
        at = letter.next_try_at
        letter = await scene.tried(at)
    assert letter.state is LetterState.GIVEN_UP
    assert letter.reason == "not_sent_in_time"
    assert at - NOW >= timedelta(hours=1)
    assert max(pauses) <= 900
    assert pauses[-1] > 10 * pauses[0]
    assert len(pauses) < 20
    assert scene.sent == []


async def test_what_is_refused_for_good_is_not_tried_again() -> None:
    scene = Scene(a_letter())
    scene.fault = MailRefused("smtp_550", "refused")
    letter = await scene.tried(NOW)
    assert (letter.state, letter.reason) == (LetterState.BOUNCED, "smtp_550")
    assert await scene.sending.step() == 0


@pytest.mark.parametrize(
    ("letter", "member", "reason"),
    [
        (a_letter(), None, "identity_destroyed"),
        (a_letter(kind=LetterKind.IDENTITY_NEEDED), MEMBER, "code_expired"),
    ],
)
async def test_what_is_too_late_is_given_up_with_its_reason(
    letter: Letter, member: Member | None, reason: str
) -> None:
    scene = Scene(letter, member=member)
    found = await scene.tried(NOW)
    assert (found.state, found.reason) == (LetterState.GIVEN_UP, reason)
    assert scene.sent == []
