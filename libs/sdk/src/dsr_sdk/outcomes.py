"""The port to the outcome store: what this system was asked and what it answered.

The store makes redelivery harmless. It holds no identity in the clear: request ids, answers, and for
obligations that are to be asked again the sealed identity, which only this system's key opens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Protocol

from dsr_sdk.obligations import ObligationKey
from dsr_wire.topics import NOTICE_LIFE

__all__ = ["RETENTION", "Outcome", "OutcomeState", "OutcomeStore", "retention_faults"]

RETENTION = timedelta(days=180)
"""How long an outcome is kept after it was confirmed, unless told otherwise."""

_LONGEST_RETENTION = timedelta(days=36_500)


class OutcomeState(IntEnum):
    """How far one obligation has come here. The numbers are stored."""

    ASKED = 1
    """The handler was asked; no outcome yet. After a crash its effect may stand."""

    ANSWERED = 2
    """Answered, and the answer does not confirm."""

    CONFIRMED = 3
    """Answered, and the answer confirms: the handler is not asked again, unless this system has taken
    over the data of others since."""

    UNREADABLE = 4
    """Answered `failed` since the identity could not be opened; the handler was not asked."""

    RAISED = 5
    """Answered `failed` since the handler raised; its effect may stand."""

    STOPPED = 6
    """Told to stop, and answered `stopped` or `too_late`: nothing is begun any more."""

    UNASKED = 7
    """Told to wait before it was told to begin: the handler was never asked."""

    LOOKING = 8
    """Answered `erased`, and is to look again before that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known of one obligation."""

    key: ObligationKey
    notice_id: str
    """The notice under which the handler was last asked."""

    state: OutcomeState
    sequence: int = 0
    """The number of the last answer; 0 before the first."""

    acknowledgement: bytes = b""
    """The last answer, serialised; replayed byte for byte."""

    retry_at: datetime | None = None
    """When the handler is to be asked again without a notice."""

    sealed_obligation: bytes = b""
    """What is needed to ask again; empty once confirmed."""

    is_unsent: bool = False
    """No notice would bring this answer back, so it stays marked until the broker has it."""

    recorded_at: datetime | None = None
    """When the last answer was recorded; `OutcomeStore.forget` goes by it."""

    revision: int = 0
    """That of the notice that counts: one with a lower revision changes nothing any more."""

    is_suspended: bool = False
    """That notice suspends: nothing is begun until one with a higher revision has it go on."""

    effect_may_stand: bool = False
    """A former asking may have had its effect, though no answer says so."""


class OutcomeStore(Protocol):
    """Durable memory of one system's outcomes.

    Every write is one transaction and durable when the call returns. Methods raise
    `dsr_core.errors.Unavailable` where the store is away. Several processes of one system must share
    one store, or obligations would be counted twice from 1.
    """

    async def open(self) -> None:
        """Make the store ready; opening an open store does nothing."""

    async def close(self) -> None:
        """Release the store; closing twice does nothing."""

    async def find(self, keys: Sequence[ObligationKey]) -> Mapping[ObligationKey, Outcome]:
        """Return what is known of these obligations; those never seen are absent."""

    async def begin(self, begun: Sequence[tuple[ObligationKey, str]]) -> None:
        """Mark obligations as asked under a notice id, before the handler is asked.

        Everything else that is known of them stays as it was.
        """

    async def save(self, outcomes: Sequence[Outcome]) -> None:
        """Put these outcomes in the place of what was known."""

    async def due(self, at: datetime, limit: int) -> Sequence[Outcome]:
        """Return outcomes whose `retry_at` has come, the oldest first."""

    async def next_retry_at(self) -> datetime | None:
        """Return the earliest `retry_at`, or none."""

    async def unsent(self, limit: int) -> Sequence[Outcome]:
        """Return outcomes that are marked unsent."""

    async def mark_sent(self, outcomes: Sequence[Outcome]) -> None:
        """Take the mark from these outcomes; one that has a later sequence by now keeps it."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete confirmed and stopped outcomes that were recorded before then; return how many.

        At most `limit` are deleted, the oldest first. One that is unsent, suspended, neither
        confirmed nor stopped, or without a time stays for ever.
        """


def retention_faults(retention: timedelta) -> Iterator[str]:
    """Yield what is wrong with how long outcomes are kept: their notices must not outlive them."""
    if not NOTICE_LIFE < retention <= _LONGEST_RETENTION:
        most = _LONGEST_RETENTION.days
        yield f"must be longer than {NOTICE_LIFE.days} days, and not than {most:,} days"
