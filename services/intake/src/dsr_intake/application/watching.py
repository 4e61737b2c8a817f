"""Watching: the active holds on persons, in memory, so that accepting a request asks no store for them."""

from __future__ import annotations

from collections.abc import Sequence

from dsr_intake.model import LegalHold
from dsr_intake.ports import HoldStore

__all__ = ["HoldWatch"]


class HoldWatch:
    """Knows whom holds are about, as of its last refresh.

    A request that is accepted by a replica that has not heard of a hold yet is covered a moment later,
    by the store's `cover_late`.
    """

    def __init__(self, store: HoldStore) -> None:
        self._store = store
        self._by_hash: dict[bytes, list[LegalHold]] = {}

    def covering(self, hashes: Sequence[bytes]) -> Sequence[LegalHold]:
        """Return the active holds on whoever has one of these identifiers, the oldest first."""
        if not self._by_hash:
            return ()
        found = {hold.hold_id: hold for one in hashes for hold in self._by_hash.get(one, ())}
        return [found[hold_id] for hold_id in sorted(found)]

    async def refresh(self) -> None:
        """Read the holds anew.

        Raises:
            Unavailable: The store is away; what was known stays.
        """
        by_hash: dict[bytes, list[LegalHold]] = {}
        for one, hold in await self._store.watched():
            by_hash.setdefault(one, []).append(hold)
        self._by_hash = by_hash
