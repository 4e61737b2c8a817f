"""Mail, over SMTP."""

from __future__ import annotations

from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
)

from dsr_core.errors import Unavailable
from dsr_intake.ports import MailRefused

__all__ = ["SmtpMailer"]

_TIMEOUT_S = 20.0
_FOR_GOOD = 500


class SmtpMailer:
    """Hands messages to a mail server; the port's text says what holds.

    With `smtp` the connection is encrypted where the server offers it, with `smtps` always.
    """

    def __init__(self, url: str, *, sender: str) -> None:
        parts = urlsplit(url)
        self._is_encrypted = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if self._is_encrypted else 25)
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = sender

    async def look(self) -> str:
        """Return once the server has let us in."""
        client = self._client()
        try:
            await client.connect()
            await client.quit()
        except (SMTPException, OSError) as error:
            raise Unavailable(f"the mail server: {type(error).__name__}") from None
        return "lets us in"

    async def send(self, message: EmailMessage, *, to: str) -> None:
        """Return when the server has the message."""
        client = self._client()
        try:
            await client.connect()
            try:
                options = () if to.isascii() else ("SMTPUTF8",)
                await client.sendmail(self._sender, [to], message.as_bytes(), mail_options=options)
            finally:
                with suppress(SMTPException, OSError):
                    await client.quit()
        except SMTPRecipientsRefused as error:
            raise _refused([one.code for one in error.recipients]) from None
        except SMTPDataError as error:
            raise _refused([error.code]) from None
        except SMTPNotSupported:
            raise MailRefused("smtp_not_supported", "the mail server cannot take it") from None
        except (SMTPException, OSError) as error:
            # Who may send, and how, is settled between us and the server; the person has no part in it.
            raise Unavailable(f"the mail server: {type(error).__name__}") from None

    def _client(self) -> SMTP:
        return SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._is_encrypted,
            timeout=_TIMEOUT_S,
        )


def _refused(codes: list[int]) -> Exception:
    """Return what an answer about one recipient means, without the server's text: it may quote."""
    code = max(codes, default=0)
    if code >= _FOR_GOOD:
        return MailRefused(f"smtp_{code}", f"the mail server refuses it: {code}")
    return Unavailable(f"the mail server wants it later: {code}")
