"""Certificates: until when the one that a server shows is good, whatever is spoken before TLS."""

from __future__ import annotations

import smtplib
import socket
import ssl
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast
from urllib.parse import urlsplit

from cryptography import x509

from dsr_cli.doctor.findings import Finding, fault, fine, warning

__all__ = ["certificate", "mail_server", "postgresql"]

_TIMEOUT_S = 6.0
_RENEWED_BEFORE = timedelta(days=21)

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""What asks PostgreSQL for TLS ("SSLRequest" in its documentation of message formats)."""

_SMTP_PORTS = {"smtp": 25, "smtps": 465}
"""As `aiosmtplib`, which intake sends with."""


def certificate(part: str, host: str, port: int) -> Iterator[Finding]:
    """Yield until when a server's certificate is good; whether it is trusted is its callers' to say."""
    try:
        with _connected(host, port) as plain:
            shown = _shown(plain, host)
    except (OSError, ssl.SSLError) as error:
        yield _none(part, host, port, error)
        return
    yield _judged(part, shown)


def postgresql(part: str, dsn: str) -> Iterator[Finding]:
    """Yield until when PostgreSQL's certificate is good, or that it has none."""
    at = urlsplit(dsn)
    host, port = at.hostname or "localhost", at.port or 5432
    try:
        with _connected(host, port) as plain:
            plain.sendall(_SSL_REQUEST)
            shown = _shown(plain, host) if plain.recv(1) == b"S" else None
    except (OSError, ssl.SSLError) as error:
        yield _none(part, host, port, error)
        return
    if shown is None:
        todo = "set `ssl = on` with a certificate, and `sslmode=verify-full` in DSR_POSTGRES_DSN"
        yield warning(part, f"{host}:{port} speaks no TLS", todo)
    else:
        yield _judged(part, shown)


def mail_server(part: str, url: str) -> Iterator[Finding]:
    """Yield until when the mail server's certificate is good, or that letters go to it unencrypted."""
    at = urlsplit(url)
    host, port = at.hostname or "localhost", at.port or _SMTP_PORTS[at.scheme]
    if at.scheme == "smtps":
        yield from certificate(part, host, port)
        return
    try:
        with smtplib.SMTP(host, port, timeout=_TIMEOUT_S) as server:
            server.starttls(context=_context())
            # It has replaced its socket by one that speaks TLS, which its type does not say.
            shown = cast("ssl.SSLSocket", server.sock).getpeercert(binary_form=True) or b""
    except smtplib.SMTPNotSupportedError:
        todo = "letters go to it in the clear: have it offer STARTTLS, or use `smtps:`"
        yield warning(part, f"{host}:{port} offers no TLS", todo)
        return
    except (OSError, ssl.SSLError) as error:  # what smtplib raises is an OSError as well
        yield _none(part, host, port, error)
        return
    yield _judged(part, shown)


def _connected(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), timeout=_TIMEOUT_S)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _shown(plain: socket.socket, host: str) -> bytes:
    with _context().wrap_socket(plain, server_hostname=host) as wrapped:
        return wrapped.getpeercert(binary_form=True) or b""


def _none(part: str, host: str, port: int, error: Exception) -> Finding:
    seen = f"{host}:{port} shows none ({type(error).__name__})"
    return fault(part, seen, "see whether it is up, and speaks TLS")


def _judged(part: str, shown: bytes) -> Finding:
    ends = x509.load_der_x509_certificate(shown).not_valid_after_utc
    left = ends - datetime.now(UTC)
    seen = f"good until {ends:%Y-%m-%d}"
    if left < timedelta():
        todo = "renew it now: nobody who checks can connect"
        return fault(part, f"ended on {ends:%Y-%m-%d}", todo)
    if left < _RENEWED_BEFORE:
        todo = "renew it; see why that was not automatic"
        return warning(part, f"{seen}, {left.days} days", todo)
    return fine(part, seen)
