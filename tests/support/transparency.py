"""The transparency log of a test: keys, and a log that is read as anyone reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dsr_wire.log.notes import NoteSigner

__all__ = ["a_signer", "log_settings", "origin_of_database"]


def a_signer(origin: str, *, generation: int = 1) -> NoteSigner:
    """Return a log's key; the same whenever it is asked for."""
    seed = hashlib.sha256(f"{origin} {generation}".encode()).digest()
    return NoteSigner(origin, Ed25519PrivateKey.from_private_bytes(seed))


def origin_of_database(dsn: str) -> str:
    """Return the name of the log in a database: every database of a test is a log of its own."""
    return f"log.example.test/{hashlib.sha256(dsn.encode()).hexdigest()[:16]}"


def log_settings(dsn: str, beside: Path) -> dict[str, str]:
    """Return what a verifier on a database is told of its log; the key is written beside a file."""
    origin, key_file = origin_of_database(dsn), beside.with_suffix(".log-key")
    key_file.write_text(a_signer(origin).text(), encoding="utf-8")
    return {"DSR_LOG_KEY_FILE": str(key_file), "DSR_LOG_ORIGIN": origin}
