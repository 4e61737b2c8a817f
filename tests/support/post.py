"""A real mail server with sockets, whose mailbox a test reads, and contents for letters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from dsr_core.rights import Right
from dsr_intake.application.letters.contents import Contents, Kept, Proving, Row
from support.services import free_port

__all__ = ["MailServer", "contents_of_everything", "mail_server"]


@dataclass
class MailServer:
    """Takes mail, or answers what a test tells it."""

    port: int = field(default_factory=free_port)
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refuses_recipients: str | None = None
    """What each recipient is answered with; taken where it is none."""

    refuses_data: str | None = None
    before_answer: Callable[[], object] | None = None
    """Called once, when a message is whole and its sender does not know it yet."""

    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, request_id: str) -> list[EmailMessage]:
        """The messages about a request, in the order in which they came."""
        return [one for one in self.messages if request_id in one["Message-ID"]]

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope, to: str, _options: list[str]
    ) -> str:
        if self.refuses_recipients is not None:
            return self.refuses_recipients
        envelope.rcpt_tos.append(to)
        return "250 taken"

    async def handle_DATA(  # noqa: N802 - as above
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.refuses_data is not None:
            return self.refuses_data
        content = cast("bytes", envelope.content)
        self.messages.append(message_from_bytes(content, policy=policy.default))
        self.recipients.extend(envelope.rcpt_tos)
        if self.before_answer is not None:
            hook, self.before_answer = self.before_answer, None
            hook()
        return "250 taken"

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="mail.example.com", enable_SMTPUTF8=True, loop=loop),
            "127.0.0.1",
            self.port,
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def contents_of_everything(**changes: Any) -> Contents:
    """What every kind of letter could say."""
    fields: dict[str, Any] = {
        "reference": "01978f2e-3c4b-7d5a-8e6f-0a1b2c3d4e5f",
        "right": Right.DELETION,
        "regime": "gdpr",
        "jurisdiction": "FR",
        "received_on": date(2026, 3, 2),
        "due_on": date(2026, 4, 2),
        "prove_by": date(2026, 4, 2),
        "partly": True,
        "rows": (
            Row(
                organisation="Cloud Europe GmbH",
                system="Invoices and billing",
                is_provider=False,
                answer="partially_exempt",
                kept=(Kept("tax_records", ("user.financial",), date(2032, 1, 1)),),
                reason="invoices are kept for ten years",
            ),
            Row(
                organisation="Mail Delivery Ltd",
                system="Newsletters",
                is_provider=True,
                answer="erased",
            ),
            Row(
                organisation="Cloud UK Ltd", system="Support", is_provider=False, answer="too_late"
            ),
            Row(organisation="Cloud UK Ltd", system="Backups", is_provider=False, answer=None),
        ),
        "reason": "the request repeats one that was answered in January",
        "pointer": "Example Shop, privacy@shop.example.com",
        "proving": Proving(
            code="K7QM-2XWD", link="https://privacy.example.com/prove?token=t", minutes=15
        ),
        "fetch_by": date(2026, 5, 2),
        "sent_on": True,
    }
    return Contents(**(fields | changes))
