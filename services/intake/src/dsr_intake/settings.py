"""What intake is told by its environment."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from dsr_runtime.settings import HttpSettings, KafkaSettings, LogSettings, PostgresSettings

__all__ = ["Settings"]


def _mail_server(given: SecretStr) -> SecretStr:
    if re.fullmatch(r"smtps?://[^/\s]+/?", given.get_secret_value()) is None:
        raise ValueError("must be like smtp://user:password@host:port, or smtps:")
    return given


def _networks(given: list[str]) -> list[str]:
    for one in given:
        ip_network(one)
    return given


_SCOPE = re.compile(r"\*|[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _scopes(given: dict[str, int]) -> dict[str, int]:
    wrong = sorted(one for one in given if _SCOPE.fullmatch(one) is None)
    if wrong:
        raise ValueError(f"{wrong[0]!r} is neither * nor an organisation's id")
    return given


class Settings(LogSettings, HttpSettings, KafkaSettings, PostgresSettings):
    """Everything that intake must know, from variables that begin with `DSR_`."""

    verifier_url: str = Field(pattern=r"^https?://[^/]+/?$")
    """Where the verifier's read API is."""

    key_encryption_key_file: Path
    """Holds 32 random bytes in base64: the key that wraps each request's own key."""

    intake_waiting_limit: int = Field(default=1024, ge=1)
    """Single requests that wait to be stored at most; more are told to come again."""

    intake_links_duplicates: bool = True
    """Whether who asks again for what is open already is answered together with the first asking."""

    lookup_key_file: Path
    """Holds 32 random bytes in base64: the key of the hashes that find a data subject again."""

    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] | None = None
    """The mail server, as smtp://user:password@host:port, or smtps: for one that encrypts from the
    first byte. Without it nobody is told by letter, and the client of the API tells the person."""

    mail_sender: str = Field(default="privacy@localhost", pattern=r"^[^@\s<>]+@[^@\s<>]+$")
    """Whom letters come from; what comes back of them goes there."""

    privacy_office_mail: str | None = Field(default=None, pattern=r"^[^@\s<>]+@[^@\s<>]+$")
    """Who is told when a legal date is near or has passed; the sender of letters unless given."""

    public_url: str = Field(default="http://localhost", pattern=r"^https?://[^\s]+$")
    """Where a person proves with the link of a letter who they are; what follows is added by us."""

    identity_code_lasts_s: float = Field(default=900, ge=60)
    """Seconds for which a code proves who asks, and the link that is mailed with it."""

    letters_lease_s: float = Field(default=90, ge=1)
    """Seconds after which a letter that a process had in hand is another's: longer than any try."""

    letters_give_up_after_s: float = Field(default=259_200, gt=0)
    """Seconds after which a letter that the mail server has not taken is given up, on record."""

    breaker_floor: int = Field(default=1000, ge=1)
    """Erasures within the breaker's window that pass in any case, for the whole group and for each
    organisation; no system is told of more than is usual until two people agree."""

    breaker_factor: float = Field(default=3.0, ge=1)
    """So many times what is usual may pass: the median, over four weeks, of a day's busiest hour."""

    breaker_limits: Annotated[dict[str, Annotated[int, Field(ge=0)]], AfterValidator(_scopes)] = (
        Field(default_factory=dict)
    )
    """What may pass instead, as JSON: {"*": 5000, "<organisation>": 200}; * is the whole group."""

    breaker_window_s: float = Field(default=3600, ge=60)
    """The breaker's window, in seconds."""

    webhook_key_file: Path | None = None
    """Holds 32 random bytes in base64: the key that the secrets of webhooks are derived from. Without
    it no webhooks are offered."""

    webhook_allowed_networks: Annotated[list[str], AfterValidator(_networks)] = Field(
        default_factory=list
    )
    """Networks that webhooks may reach, also without TLS, though they are not public; as JSON, like
    ["10.20.0.0/16"]."""
