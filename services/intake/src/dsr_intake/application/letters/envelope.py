"""The messages that letters travel in, and what comes back of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage, Message
from typing import NamedTuple

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.ids import RequestId
from dsr_intake.application.letters.writing import Written
from dsr_intake.model import LetterKind
from dsr_intake.ports import MailRefused

__all__ = ["Bounce", "LetterName", "address", "bounce", "message", "message_id"]

_KINDS = "|".join(LetterKind)
_MESSAGE_ID = re.compile(
    rf"<(?P<kind>{_KINDS})\.(?P<number>[1-9][0-9]{{0,8}})\."
    r"(?P<request>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>\s]*>"
)
_WORD = r"[^\s\x00-\x1f\x7f-\x9f()<>\[\]:;@\\,.\"]+"
_ADDRESS = re.compile(rf"{_WORD}(\.{_WORD})*@{_WORD}(\.{_WORD})*")
"""One address without comments, quotes and lists, which nobody has and a hostile caller sends."""

_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")


class LetterName(NamedTuple):
    """What names a letter for ever, also as the identification of its message."""

    request_id: RequestId
    kind: LetterKind
    number: int


class Bounce(NamedTuple):
    """A letter came back for good."""

    letter: LetterName
    reason: str
    """A code, and nothing of what the mail server wrote: that may quote an address."""


def message_id(letter: LetterName, *, sender: str) -> str:
    """Return the Message-ID of a letter, the same for each try to send it."""
    domain = sender.rpartition("@")[2]
    return f"<{letter.kind}.{letter.number}.{letter.request_id}@{domain}>"


def address(text: str) -> Address:
    """Return an address for a header.

    Raises:
        MailRefused: It is none that mail can be sent to, or more than one.
    """
    if _ADDRESS.fullmatch(text) is None:
        raise MailRefused("no_address", "this is no address for mail")
    username, _, domain = text.partition("@")
    return Address(username=username, domain=domain)


def message(
    written: Written, *, to: str, sender: str, identification: str, at: datetime
) -> EmailMessage:
    """Return a message with a text and an HTML part.

    Raises:
        MailRefused: The recipient's address is none.
    """
    one = EmailMessage(policy=policy.SMTP if to.isascii() else policy.SMTPUTF8)
    one["From"] = address(sender)
    one["To"] = address(to)
    one["Subject"] = written.subject
    one["Message-ID"] = identification
    one["Date"] = at
    one["Auto-Submitted"] = "auto-generated"
    one.set_content(written.text)
    if written.html:
        one.add_alternative(written.html, subtype="html")
    one["Content-Language"] = written.language
    return one


def bounce(content: bytes) -> Bounce | None:
    """Return what a delivery status notification (RFC 3464) says; none where it may still arrive.

    Raises:
        RejectedInput: It is no such notification.
        RuleViolation: It is about no letter of ours.
    """
    notification = message_from_bytes(content, policy=policy.default)
    if notification.get_content_type() != "multipart/report":
        raise RejectedInput("no_notification", "this is no delivery status notification")
    parts = list(notification.walk())
    status = next(
        (one for one in parts if one.get_content_type() == "message/delivery-status"), None
    )
    if status is None:
        raise RejectedInput("no_notification", "the notification says nothing of a delivery")
    letter = _letter(parts)
    if letter is None:
        raise RuleViolation("unknown_letter", "the notification is about no letter of ours")
    for block in status.walk():
        if str(block.get("Action", "")).strip().lower() == "failed":
            code = _STATUS.search(str(block.get("Status", "")))
            return Bounce(letter, "bounced_" + (code[0].replace(".", "_") if code else "unknown"))
    return None


def _letter(parts: Sequence[Message]) -> LetterName | None:
    """Return the letter that came back: its head is in the last part, whole or not."""
    for part in reversed(parts):
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            found = (
                _MESSAGE_ID.search(payload.decode("ascii", "replace"))
                if isinstance(payload, bytes)
                else None
            )
        else:
            found = _MESSAGE_ID.fullmatch(str(part.get("Message-ID", "")).strip())
        if found is not None:
            kind, number = LetterKind(found["kind"]), int(found["number"])
            return LetterName(RequestId(found["request"]), kind, number)
    return None
