"""The port of the suppression list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from dsr_core.suppressions import Suppression
from dsr_intake.model.suppressions import Listed, ListSize, OptIn

__all__ = ["SuppressionStore"]


class SuppressionStore(Protocol):
    """Keeps the list. What puts somebody on it is written with what follows a request."""

    async def find(self, digests: Sequence[bytes]) -> Mapping[bytes, Sequence[Listed]]:
        """Return what the list has of each digest; nothing of those that it has not.

        Raises:
            Unavailable: The store is away.
        """
        ...

    async def sizes(self) -> Sequence[ListSize]:
        """Return how many entries each kind has under each key, sorted.

        Raises:
            Unavailable: The store is away.
        """
        ...

    async def opt_in(self, one: OptIn, *, reason: str) -> int:
        """Keep a proof, and end the entries that it lifts, in one transaction; return how many.

        Raises:
            Unavailable: The store is away; nothing was kept.
        """
        ...

    async def tell(
        self,
        publish: Callable[[Sequence[Suppression], Sequence[Suppression]], Awaitable[None]],
        *,
        limit: int,
    ) -> int:
        """Have entries published that are new or have ended, and note that they were.

        A crash in between publishes the same again. Several replicas share the work.

        Args:
            publish: Takes the new entries and the ended ones.
            limit: How many at most.

        Raises:
            Unavailable: The store is away, or what publishes is.
        """
        ...
