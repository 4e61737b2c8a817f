"""The legal date of an answer."""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["DEFAULT_REGIME", "respond_by"]

DEFAULT_REGIME = "default"
"""The regime of every jurisdiction until the rules are data."""

_DEFAULT_TERM = timedelta(days=30)


def respond_by(received_at: datetime) -> datetime:
    """Return the date by which the requester must have the answer: 30 days after receipt.

    Thirty days keeps the month of GDPR article 12(3) except in February, and the 45 days of CCPA
    section 7021. Shorter regimes need rules of their own.
    """
    return received_at + _DEFAULT_TERM
