"""What intake is told by its environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from dsr_runtime.settings import HttpSettings, KafkaSettings, LogSettings, PostgresSettings

__all__ = ["Settings"]


class Settings(LogSettings, HttpSettings, KafkaSettings, PostgresSettings):
    """Everything that intake must know, from variables that begin with `DSR_`."""

    verifier_url: str = Field(pattern=r"^https?://[^/]+/?$")
    """Where the verifier's read API is."""

    key_encryption_key_file: Path
    """Holds 32 random bytes in base64: the key that wraps each request's own key."""

    intake_waiting_limit: int = Field(default=1024, ge=1)
    """Single requests that wait to be stored at most; more are told to come again."""

    lookup_key_file: Path
    """Holds 32 random bytes in base64: the key of the hashes that find a data subject again."""
