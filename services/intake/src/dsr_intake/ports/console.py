"""What the console needs from outside. Each docstring is the port's specification.

Each call is bounded in what it reads, and raises Unavailable where its source does not answer in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from dsr_intake.model import ListFilter, RequestView
from dsr_intake.model.console import (
    DeadLetters,
    DuePlace,
    GroupLag,
    LedgerMeasures,
    OpenStanding,
    RequestProgress,
)
from dsr_intake.model.principals import Sight

__all__ = ["ConsoleStore", "KafkaStanding", "LedgerStanding"]


class ConsoleStore(Protocol):
    """Reads what is open by its legal dates."""

    async def standing(self, sight: Sight, at: datetime) -> OpenStanding:
        """Count the open requests that are seen, up to a bound."""
        ...

    async def by_date(
        self, sight: Sight, wanted: ListFilter, *, after: DuePlace | None, limit: int
    ) -> list[RequestView]:
        """Return at most `limit` open requests of those seen, by their legal dates."""
        ...


class LedgerStanding(Protocol):
    """Reads how far many requests are at once, and what the verifier has counted."""

    async def progress(self, request_ids: Sequence[str]) -> list[RequestProgress]:
        """Return how far those of at most 1000 requests are that the ledger knows."""
        ...

    async def measured(self) -> LedgerMeasures:
        """Return what the verifier has counted last."""
        ...


class KafkaStanding(Protocol):
    """Reads how far consumers are, and what they refused. Reads no value, and commits nothing."""

    async def lags(self) -> list[GroupLag]:
        """Return what each consumer group of this program has not committed, by topic."""
        ...

    async def dead_letters(self, limit: int) -> DeadLetters:
        """Return how many dead letters there are, and at most `limit` of the newest of each topic."""
        ...
