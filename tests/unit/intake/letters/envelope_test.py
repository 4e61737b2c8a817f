from __future__ import annotations

from email.message import EmailMessage

import pytest

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_intake.application.letters.envelope import (
    LetterName,
    bounce,
    message,
    message_id,
)
from dsr_intake.application.letters.writing import Written
from dsr_intake.model import LetterKind
from dsr_intake.ports import MailRefused
from support.builders import NOW, a_request_id

LETTER = LetterName(a_request_id(), LetterKind.DONE, 1)
SENDER = "privacy@example.com"
ID = message_id(LETTER, sender=SENDER)


def a_message(to: str = "someone@example.com", subject: str = "Done") -> EmailMessage:
    written = Written("de", subject, "plain", "<p>marked</p>")
    return message(written, to=to, sender=SENDER, identification=ID, at=NOW)


def a_notification(
    *, action: str = "failed", identification: str = ID, head: str = "message/rfc822"
) -> bytes:
    return (
        "From: mailer-daemon@mail.example.com\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\n\nThe mail to someone@example.com came back.\n"
        "--b\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mail.example.com\n\n"
        f"Final-Recipient: rfc822; someone@example.com\nAction: {action}\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 someone@example.com is unknown\n\n"
        f"--b\nContent-Type: {head}\n\n"
        f"Subject: Done\nMessage-ID: {identification}\n\nHello\n--b--\n"
    ).encode()


def test_a_message_has_both_forms_and_says_that_a_machine_sent_it() -> None:
    one = a_message()
    assert (one["To"], one["From"], one["Message-ID"]) == ("someone@example.com", SENDER, ID)
    assert (one["Auto-Submitted"], one["Content-Language"]) == ("auto-generated", "de")
    assert [part.get_content_type() for part in one.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "to",
    [
        "a@example.com\nBcc: b@example.com",
        "a@example.com,b@example.com",
        "a,b@example.com",
        "Someone <a@example.com>",
        "<a@example.com>",
        "a@b@c",
        "a(comment)@example.com",
        "@example.com",
        "a@",
        "",
    ],
)
def test_what_is_not_one_address_gets_no_mail(to: str) -> None:
    with pytest.raises(MailRefused):
        a_message(to=to)


def test_no_header_can_be_put_into_another() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        a_message(subject="Done\r\nBcc: b@example.com")


def test_an_address_beyond_ascii_is_kept_as_it_is() -> None:
    assert "jürgen@example.com".encode() in a_message(to="jürgen@example.com").as_bytes()


@pytest.mark.parametrize("head", ["message/rfc822", "text/rfc822-headers"])
def test_a_notification_is_matched_by_its_letter_s_identification(head: str) -> None:
    found = bounce(a_notification(head=head))
    assert found is not None
    assert found.letter == LETTER
    assert found.reason == "bounced_5_1_1"  # and nothing of what the server wrote


@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered"])
def test_what_may_still_arrive_has_not_bounced(action: str) -> None:
    assert bounce(a_notification(action=action)) is None


@pytest.mark.parametrize(
    "identification", ["<done.1@example.com>", f"<odd.1.{LETTER.request_id}@example.com>", ""]
)
def test_what_is_about_no_letter_of_ours_is_said_to_be(identification: str) -> None:
    with pytest.raises(RuleViolation, match="unknown_letter"):
        bounce(a_notification(identification=identification))


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"Subject: hello\n\nhello", a_message().as_bytes()])  # fmt: skip
def test_what_is_no_notification_is_refused(content: bytes) -> None:
    with pytest.raises(RejectedInput, match="no_notification"):
        bounce(content)


def test_a_report_without_a_status_is_refused() -> None:
    with pytest.raises(RejectedInput, match="no_notification"):
        bounce(b'Content-Type: multipart/report; boundary="b"\n\n--b\n\nread\n--b--\n')
