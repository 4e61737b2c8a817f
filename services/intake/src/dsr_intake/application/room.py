"""Room for more: what waits to be published is bounded, so that a Kafka that is away fills no disk."""

from __future__ import annotations

from dsr_core.errors import Unavailable

__all__ = ["Overloaded", "Room"]

_PUBLISHED_AGAIN_S = 15
"""When a client that found the outbox full should come again."""


class Overloaded(Unavailable):
    """More requests wait than can be taken on soon; nothing of this one is kept."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Room:
    """Tells whether new requests are taken on, by what the outbox held when it was last measured.

    Only new requests are refused: decisions about those that were accepted, and the answers of systems,
    are written whatever waits. Several replicas that measure the same outbox may go beyond the limit by
    what they accept between two measurements.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._waiting = 0

    def learn(self, waiting: int) -> None:
        """Take note of how many records wait to be published."""
        self._waiting = waiting

    def check(self) -> None:
        """Return where there is room; ask before anything is done for a request.

        Raises:
            Overloaded: There is none.
        """
        if self._waiting >= self._limit:
            raise Overloaded(
                "too many requests wait to be published; try again",
                retry_after_s=_PUBLISHED_AGAIN_S,
            )
