"""Identifiers of the domain's things. They never hold or derive from personal data."""

from __future__ import annotations

import re
import uuid
from typing import NewType

__all__ = [
    "CohortId",
    "OrganisationId",
    "RequestId",
    "SystemId",
    "is_slug",
    "is_uuid",
    "uuid7",
]

RequestId = NewType("RequestId", str)
"""A subject request: a UUIDv7 in canonical text form."""

CohortId = NewType("CohortId", str)
"""A cohort: a UUIDv7 in canonical text form; for a cohort of one, its request's."""

OrganisationId = NewType("OrganisationId", str)
"""An organisation: a slug chosen in the registry; part of topic names."""

SystemId = NewType("SystemId", str)
"""A system: a slug chosen in the registry."""

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SLUG_LIMIT = 48


def is_slug(text: str) -> bool:
    """Tell whether the text is lower-case words joined by hyphens, 48 characters at most."""
    return len(text) <= _SLUG_LIMIT and _SLUG.fullmatch(text) is not None


def is_uuid(text: str) -> bool:
    """Tell whether the text is a UUID in canonical lower-case form."""
    return _UUID.fullmatch(text) is not None


def uuid7(unix_ms: int, randomness: bytes) -> str:
    """Make a UUIDv7 (RFC 9562 section 5.7), which sorts by time.

    Args:
        unix_ms: Milliseconds since 1970; passed in because the domain reads no clock.
        randomness: Ten random bytes.
    """
    value = (unix_ms & (1 << 48) - 1) << 80 | int.from_bytes(randomness[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
