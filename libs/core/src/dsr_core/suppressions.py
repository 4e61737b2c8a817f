"""The suppression list: whose data is not to be used, passed on or brought in again, by keyed hashes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dsr_core.errors import RejectedInput

__all__ = ["DIGEST_BYTES", "LISTED_KINDS", "Suppression", "SuppressionKind"]

DIGEST_BYTES = 16
"""Bytes of a keyed hash: among 10^9 of them no two are the same but by a chance of 10^-21."""

LISTED_KINDS = (
    "account_id",
    "cookie_id",
    "customer_number",
    "device_id",
    "email",
    "government_id",
    "phone",
    "username",
)
"""The kinds of identifier that put somebody on the list. An internet address is many people's."""


class SuppressionKind(StrEnum):
    """What is not to be done with somebody's data."""

    MARKETING = "marketing"
    SALE_OR_SHARING = "sale_or_sharing"
    RE_IMPORT = "re_import"
    """To bring in again what was erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """That the person behind one identifier is on the list."""

    kind: SuppressionKind
    digest: bytes
    """The identifier's keyed hash."""

    key_id: str
    """The name of the key that made it."""

    since: datetime

    def __post_init__(self) -> None:
        """Refuse what is no digest.

        Raises:
            RejectedInput: It has another length.
        """
        if len(self.digest) != DIGEST_BYTES:
            raise RejectedInput("invalid_field", "the digest is none", field="digest")
